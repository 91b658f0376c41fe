#include "onboarding/upstream_failure.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using namespace gateway;
using namespace gateway::onboarding;
using enum operation;
using errors::effect;
using errors::problem;
using errors::retry;

errors::failure failed(operation what, unsigned status, std::string_view body = {}) {
  return upstream_failure(what, {.status = status, .body = body}, "sandbox");
}

std::vector<std::string> faults_of(const errors::failure& f) {
  std::vector<std::string> all;
  for (const auto& fault : f.faults) all.push_back(fault.name + " " + fault.code + ": " + fault.detail);
  return all;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("every status has its problem, effect and advice") {
  struct row {
    unsigned status;
    operation what;
    problem id;
    errors::effect effect;
    errors::retry advice;
  };
  constexpr row table[] = {
      {400, create_session, problem::validation_failed, effect::none, retry::never},
      {401, create_session, problem::upstream_unauthorized, effect::none, retry::operator_action},
      {403, create_session, problem::upstream_forbidden, effect::none, retry::operator_action},
      {404, create_session, problem::validation_failed, effect::none, retry::never},
      {409, create_session, problem::upstream_conflict, effect::none, retry::never},
      {418, create_session, problem::upstream_error, effect::none, retry::later},
      {422, create_session, problem::validation_failed, effect::none, retry::never},
      {301, create_session, problem::upstream_error, effect::unknown, retry::same_key},
      {500, create_session, problem::upstream_error, effect::unknown, retry::same_key},
      {503, create_session, problem::upstream_error, effect::unknown, retry::same_key},
      {204, create_session, problem::upstream_error, effect::unknown, retry::same_key},
      {400, read_session, problem::upstream_error, effect::none, retry::later},
      {401, read_session, problem::upstream_unauthorized, effect::none, retry::operator_action},
      {403, read_session, problem::upstream_forbidden, effect::none, retry::operator_action},
      {404, read_session, problem::not_found, effect::none, retry::never},
      {410, read_session, problem::not_found, effect::none, retry::never},
      {422, read_session, problem::upstream_error, effect::none, retry::later},
      {500, read_session, problem::upstream_error, effect::none, retry::later},
      {502, read_session, problem::upstream_error, effect::none, retry::later},
  };
  for (const auto& r : table) {
    CAPTURE(r.status);
    const auto f = failed(r.what, r.status);
    CHECK(f.id == r.id);
    CHECK(f.effect == r.effect);
    CHECK(advice_of(f) == r.advice);
    CHECK(f.upstream_status == r.status);
    CHECK_FALSE(f.detail.empty());
  }
}

TEST_CASE("a list of field errors becomes faults with pointers into the caller's body") {
  const auto f = failed(create_session, 422, R"({"detail": [
    {"type": "missing", "loc": ["body", "payload", "language"], "msg": "Field required", "input": {"secret": "x"}},
    {"type": "uuid_parsing", "loc": ["body", "payload", "user_id"], "msg": "Input should be a valid UUID"},
    {"type": "bool_type", "loc": ["body", "is_smart_optimization_active_default"], "msg": "Input should be a valid boolean"},
    {"type": "enum", "loc": ["body", "payload", "items", 3, "a/b"], "msg": "Not one of these"},
    {"type": "value_error", "loc": "elsewhere"}]})");
  CHECK(f.id == problem::validation_failed);
  CHECK(faults_of(f) ==
        texts{"#/language missing: Field required", "#/user_id invalid-uuid: Input should be a valid UUID",
              "#/is_smart_optimization_active_default wrong-type: Input should be a valid boolean",
              "#/items/3/a~1b refused-upstream: Not one of these", "# refused-upstream: Podero refuses this"});
  CHECK(render(f, "497f6eca-6276-4993-bfeb-53cbbbba6f08").find("secret") == std::string::npos);
}

TEST_CASE("a member of the caller that happens to be called payload keeps its name below the first") {
  const auto f = failed(create_session, 422,
                        R"({"detail": [{"type": "x", "loc": ["body", "payload", "payload", "body"], "msg": "m"}]})");
  CHECK(f.faults.at(0).name == "#/payload/body");
}

TEST_CASE("Podero's words on a 400 and a 409 are handed on") {
  const auto f = failed(create_session, 400, R"({"detail": "price zone is not active"})");
  CHECK(f.detail == "Podero refuses the body: price zone is not active");
  CHECK(faults_of(f) == texts{"# refused-upstream: price zone is not active"});
  CHECK(failed(create_session, 409, R"({"detail": "one is open"})").detail == "Podero reports a conflict: one is open");
  CHECK(failed(create_session, 409, "<html>").detail == "Podero reports a conflict.");
}

TEST_CASE("Podero's words are bounded and hold no control characters") {
  const auto f = failed(create_session, 400,
                        "{\"detail\": \"a\\r\\nX: \\u001b[31m\\u009b\\u007f" + std::string(1000, 'b') + "\"}");
  const auto& detail = f.faults.at(0).detail;
  CHECK(detail.starts_with("a  X:  [31m  bbb"));
  CHECK(detail.ends_with("bbb..."));
  CHECK(detail.size() <= 303);
}

TEST_CASE("a flood of field errors is bounded in number and length") {
  const auto list_of = [](std::size_t entries, const std::string& entry) {
    std::string body = "{\"detail\": [" + entry;
    for (std::size_t i = 1; i < entries; ++i) body += "," + entry;
    return body + "]}";
  };
  CHECK(failed(create_session, 422, list_of(32, "{}")).faults.size() == 32);
  const auto cut = faults_of(failed(create_session, 422, list_of(100, "{}")));
  CHECK(cut.size() == 33);
  CHECK(cut.back() == "# refused-upstream: more faults follow");

  const auto entry =
      R"({"type": "t", "loc": [")" + std::string(500, 'l') + R"("], "msg": ")" + std::string(1000, 'm') + "\"}";
  const auto f = failed(create_session, 422, list_of(2, entry));
  CHECK(faults_of(f) == texts(2, "#/" + std::string(100, 'l') + " refused-upstream: " + std::string(300, 'm') + "..."));

  // More than 64 KiB of it is not even looked at.
  CHECK(faults_of(failed(create_session, 422, list_of(100, entry))) ==
        texts{"# refused-upstream: Podero did not say why"});
}

TEST_CASE("bodies of any other kind leak nothing") {
  for (const std::string body :
       {"<html>internal host db-7</html>", "", "[1]", "{\"detail\": 7}", "{\"detail\": {\"x\": \"db-7\"}}",
        "{\"other\": \"db-7\"}", "{\"detail\": [\"db-7\", 7, null]}", "\xFF\xFE"}) {
    CAPTURE(body);
    for (const unsigned status : {400U, 401U, 403U, 404U, 409U, 422U, 500U, 502U}) {
      const auto text = render(failed(create_session, status, body), "497f6eca-6276-4993-bfeb-53cbbbba6f08");
      CHECK(text.find("db-7") == std::string::npos);
      CHECK(text.find("html") == std::string::npos);
    }
  }
  CHECK(failed(create_session, 400, "").faults.at(0).detail == "Podero did not say why");
  // Even a well-formed detail stays here where the contract has no place for it.
  CHECK(render(failed(create_session, 500, R"({"detail": "db-7"})"), "x").find("db-7") == std::string::npos);
  CHECK(render(failed(create_session, 403, R"({"detail": "db-7"})"), "x").find("db-7") == std::string::npos);
}

TEST_CASE("an unknown user is a fault of the body's user_id") {
  CHECK(faults_of(failed(create_session, 404, R"({"detail": "Not Found"})")) ==
        texts{"#/user_id unknown-user: Podero knows no user with this id"});
}

TEST_CASE("refused credentials name the account and where to look") {
  const auto f = failed(create_session, 401);
  CHECK(f.detail.find("\"sandbox\"") != std::string::npos);
  CHECK(f.detail.find("accounts.sandbox.token") != std::string::npos);
}

TEST_CASE("a success that cannot be used may have created a session, and is never to be repeated without its key") {
  const auto surely = unusable_success(create_session, 201, "it has no `id` that is a UUID", false);
  CHECK(surely.id == problem::upstream_error);
  CHECK(surely.effect == effect::created);
  CHECK(advice_of(surely) == retry::same_key);
  CHECK(surely.detail == "Podero answered 201, but its body cannot be used: it has no `id` that is a UUID.");
  CHECK(unusable_success(create_session, 200, "x", false).effect == effect::unknown);
  CHECK(advice_of(unusable_success(create_session, 200, "x", false)) == retry::same_key);
  CHECK(unusable_success(create_session, 200, "x", true).effect == effect::created);
  const auto read = unusable_success(read_session, 200, "x", true);
  CHECK(read.effect == effect::none);
  CHECK(advice_of(read) == retry::later);
}
