// Replays every example through the gateway's decisions: what Podero gets and what the caller gets are golden.
#include "contract/examples.hpp"
#include "foundation/errors/problem.hpp"
#include "onboarding/answer.hpp"
#include "onboarding/calendar.hpp"
#include "onboarding/creation.hpp"
#include "onboarding/upstream_failure.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

using namespace gateway;
using namespace gateway::contract;

namespace {

namespace bj = boost::json;

bj::object policy_of(const example& e) {
  const auto* policy = e.content.if_contains("policy");
  return policy ? policy->as_object() : bj::object{};
}

void add_defaults(const bj::object& policy, const char* whose, std::vector<onboarding::default_member>& to) {
  const auto* defaults = policy.if_contains(whose);
  if (!defaults) return;
  for (const auto& member : defaults->as_object())
    to.push_back({.name = std::string{member.key()}, .value = bj::serialize(member.value())});
}

std::vector<std::string> texts(const bj::object& policy, const char* name) {
  std::vector<std::string> out;
  if (const auto* list = policy.if_contains(name))
    for (const auto& text : list->as_array()) out.emplace_back(text.as_string());
  return out;
}

onboarding::creation_policy creation_policy_of(const example& e) {
  const auto policy = policy_of(e);
  onboarding::creation_rules rules;
  rules.languages = texts(policy, "languages");
  rules.price_zones = texts(policy, "price_zones");
  if (const auto* unknown = policy.if_contains("unknown_members"); unknown && *unknown == "refuse")
    rules.unknown_members = onboarding::unknown_members::refuse;
  if (const auto* allowed = policy.if_contains("http_to_localhost"))
    rules.redirects.http_to_localhost = allowed->as_bool();
  if (const auto hosts = texts(policy, "redirect_hosts"); !hosts.empty())
    rules.redirects.host_allowed = [hosts](std::string_view host) {
      return std::ranges::find(hosts, host) != hosts.end();
    };
  add_defaults(policy, "caller_defaults", rules.defaults);
  add_defaults(policy, "account_defaults", rules.defaults);
  return onboarding::creation_policy{std::move(rules)};
}

onboarding::answer_policy answer_policy_of(const example& e) {
  onboarding::answer_policy made{.shortcuts = {{"heat_pump", "/heat-pumps"}}};
  const auto policy = policy_of(e);
  if (const auto* base = policy.if_contains("connect_base_url")) made.connect_base_url = std::string{base->as_string()};
  return made;
}

// What the caller gets.
struct reply {
  std::int64_t status = 0;
  bj::value body;
  std::optional<std::chrono::seconds> retry_after;
};

reply refuse(const errors::failure& f, const example& e) {
  const std::string id{e.at("request").at("headers").at("X-Request-Id").as_string()};
  return {.status = errors::row(f.id).status, .body = bj::parse(render(f, id)), .retry_after = errors::wait_of(f)};
}

// From Podero's answer to ours.
reply conclude(const example& e, onboarding::operation what, onboarding::answer_context context,
               onboarding::scratch& memory) {
  const auto& answer = e.upstream()->at("response").as_object();
  const auto status = answer.at("status").to_number<unsigned>();
  const auto body = payload(answer);
  if (status != 200 && status != 201) {
    onboarding::upstream_refusal refusal{.status = status, .body = body};
    if (const auto* after = answer.at("headers").as_object().if_contains("Retry-After"))
      refusal.retry_after = std::chrono::seconds{std::stoi(std::string{after->as_string()})};
    return refuse(onboarding::upstream_failure(what, refusal, "sandbox"), e);
  }
  context.now = *onboarding::earliest_expiry(std::string{e.content.at("now").as_string()}, {});
  std::string out;
  const auto facts = compose_session(body, answer_policy_of(e), context, memory, out);
  if (!facts)
    return refuse(onboarding::unusable_success(what, status, facts.error().reason, facts.error().session.has_value()),
                  e);
  return {.status = context.creation ? 201 : 200, .body = bj::parse(out), .retry_after = {}};
}

void check_reply(const reply& got, const example& e) {
  const auto& wanted = e.at("response");
  CHECK(got.status == wanted.at("status").as_int64());
  CHECK(bj::serialize(got.body) == bj::serialize(wanted.at("body")));
  const auto* after = wanted.at("headers").as_object().if_contains("Retry-After");
  CHECK(got.retry_after.has_value() == (after != nullptr));
  if (got.retry_after && after) CHECK(std::to_string(got.retry_after->count()) == std::string{after->as_string()});
}

// Problems that arise before or around the decisions that are replayed here.
bool is_of_another_part(const example& e) {
  const auto* named = e.at("response").at("body").as_object().if_contains("type");
  if (named == nullptr) return false;
  const std::string type{named->as_string()};
  const auto others = {"unauthenticated",        "forbidden",         "not-found",    "method-not-allowed",
                       "unsupported-media-type", "content-too-large", "overloaded",   "draining",
                       "upstream-timeout",       "rate-limited",      "no-free-slot", "idempotency-in-progress",
                       "idempotency-key-missing"};
  return std::ranges::any_of(others, [&](const char* name) { return type == std::string{"/problems/"} + name; });
}

}  // namespace

TEST_CASE("creations: Podero gets the golden body, and the caller the golden answer") {
  onboarding::scratch memory;
  std::size_t replayed = 0;
  for (const auto& e : examples()) {
    if (e.operation() != "create-session") continue;
    CAPTURE(e.name);
    const auto policy = creation_policy_of(e);
    std::string out;
    onboarding::defaulted from_defaults;
    const auto composed = compose_creation(payload(e.at("request")), policy, memory, out, from_defaults);
    // Keys, and what went before, are not of a body.
    if (e.content.contains("before") || e.at("request").at("headers").as_object().contains("Idempotency-Key")) continue;
    if (is_of_another_part(e)) continue;
    ++replayed;
    if (!composed) {
      CHECK(e.upstream() == nullptr);
      check_reply(refuse(composed.error(), e), e);
      continue;
    }
    REQUIRE(e.upstream() != nullptr);
    CHECK(out == bj::serialize(e.upstream()->at("request").at("body")));
    onboarding::answer_context context{.now = {}, .creation = true};
    context.defaulted = from_defaults;
    check_reply(conclude(e, onboarding::operation::create_session, context, memory), e);
  }
  CHECK(replayed >= 40);
}

TEST_CASE("reads: the caller gets the golden answer") {
  onboarding::scratch memory;
  std::size_t replayed = 0;
  for (const auto& e : examples()) {
    if (e.operation() != "read-session" || !e.upstream() || e.at("response").at("status") == 304) continue;
    CAPTURE(e.name);
    const std::string path{e.at("request").at("path").as_string()};
    const auto asked_for = onboarding::session_id::parse(std::string_view{path}.substr(path.rfind('/') + 1));
    REQUIRE(asked_for.has_value());
    CHECK(std::string{e.upstream()->at("request").at("path").as_string()}.ends_with(asked_for->view()));
    check_reply(conclude(e, onboarding::operation::read_session, {.now = {}, .asked_for = asked_for}, memory), e);
    ++replayed;
  }
  CHECK(replayed >= 9);
}

TEST_CASE("an id that is no UUID is not found without asking Podero") {
  for (const auto& e : examples()) {
    if (e.name != "read-session/id-is-no-uuid") continue;
    CHECK(e.upstream() == nullptr);
    CHECK_FALSE(onboarding::session_id::parse("4711").has_value());
  }
}
