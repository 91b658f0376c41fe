#include "simulator/tests/model_fixture.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace simulator;
using namespace simulator::testing;
namespace json = boost::json;

namespace {

std::vector<std::string> faults_of(const response& answer) {
  std::vector<std::string> out;
  for (const auto& fault : json::parse(answer.body).at("detail").as_array())
    out.push_back(std::string{fault.at("loc").as_array().back().as_string()} + " " +
                  std::string{fault.at("type").as_string()});
  return out;
}

}  // namespace

TEST_CASE_FIXTURE(model_fixture, "the documented creation gets the documented members in the documented order") {
  const auto right = token();
  next_byte = 0;
  const auto answer = call(right, "POST", "device-onboarding", creation());
  CHECK(answer.status == 201);
  CHECK(answer.body ==
        R"({"authentication_url":"https://connect.test?onboarding_session_id=00010203-0405-4607-8809-0a0b0c0d0e0f",)"
        R"("id":"00010203-0405-4607-8809-0a0b0c0d0e0f","user":"a169451c-8525-4352-b8ca-070dd449a1a5",)"
        R"("success_url":"https://my-customerportal.com/success","cancel_url":"https://my-customerportal.com/error",)"
        R"("expiration_date":"2024-08-24","object_id":null,"external_metadata":{}})");
}

TEST_CASE_FIXTURE(model_fixture, "every creation makes a new session, and reading gives what creating gave") {
  const auto right = token();
  const auto first = call(right, "POST", "device-onboarding", creation());
  const auto second = call(right, "POST", "device-onboarding", creation());
  CHECK(first.body != second.body);
  const std::string id{json::parse(first.body).at("id").as_string()};
  const auto read = call(right, "GET", "device-onboarding/" + id);
  CHECK(read.status == 200);
  CHECK(read.body == first.body);
  CHECK(call(right, "GET", "device-onboarding/497f6eca-6276-4993-bfeb-53cbbbba6f08").status == 404);
  CHECK(call(right, "GET", "device-onboarding/497f6eca-6276-4993-bfeb-53cbbbba6f08").body ==
        R"({"detail":"Not Found"})");
}

TEST_CASE_FIXTURE(model_fixture, "metadata comes back as it was sent and unknown members are ignored") {
  auto body = creation();
  body.insert(1, R"("external_metadata":{"b":[1,{"a":null}],"a":"ü"},"device_type":"hp","what":1,)");
  const auto answer = call(token(), "POST", "device-onboarding", body);
  CHECK(answer.status == 201);
  CHECK(json::parse(answer.body).at("external_metadata") == json::parse(R"({"b":[1,{"a":null}],"a":"ü"})"));
}

TEST_CASE_FIXTURE(model_fixture, "every fault of a body is reported at once in Pydantic's style") {
  const auto empty = call(token(), "POST", "device-onboarding", "{}");
  CHECK(empty.status == 422);
  CHECK(faults_of(empty) == std::vector<std::string>{"language missing", "price_zone_default missing",
                                                     "success_url missing", "cancel_url missing", "user_id missing"});
  CHECK(json::parse(empty.body).at("detail").at(0) ==
        json::parse(R"({"type":"missing","loc":["body","payload","language"],"msg":"Field required"})"));
  const auto wrong =
      call(token(), "POST", "device-onboarding",
           R"({"language":"german","price_zone_default":"at","is_smart_optimization_active_default":"yes",)"
           R"("success_url":"/relative","cancel_url":7,"user_id":"a169451c","building_id":"x",)"
           R"("external_metadata":[]})");
  CHECK(faults_of(wrong) ==
        std::vector<std::string>{"language string_pattern_mismatch", "price_zone_default string_pattern_mismatch",
                                 "is_smart_optimization_active_default bool_type", "success_url url_parsing",
                                 "cancel_url string_type", "user_id uuid_parsing", "building_id uuid_parsing",
                                 "external_metadata dict_type"});
}

TEST_CASE_FIXTURE(model_fixture, "URLs may have 8000 characters, counted as characters, and no more") {
  const std::string start = "https://my-customerportal.com/";
  std::string umlauts;
  for (std::size_t i = start.size(); i < 8000; ++i) umlauts += "ü";
  CHECK(call(token(), "POST", "device-onboarding", creation(start + umlauts)).status == 201);
  const auto longer = call(token(), "POST", "device-onboarding", creation(start + umlauts + "x"));
  CHECK(faults_of(longer) == std::vector<std::string>{"success_url string_too_long"});
}

TEST_CASE_FIXTURE(model_fixture, "languages with a region and unheard-of price zones are fine") {
  auto body = creation("https://a.test/", "de-AT");
  body.replace(body.find("\"AT\""), 4, "\"XY_NEW_7\"");
  CHECK(call(token(), "POST", "device-onboarding", body).status == 201);
}

TEST_CASE_FIXTURE(model_fixture, "a URL that is no address of a page is refused") {
  for (const auto* url : {"javascript:alert(1)", "JavaScript:alert(1)", "https://a.test/ b", "", "://x", "a.test"})
    CHECK(faults_of(call(token(), "POST", "device-onboarding", creation(url))) ==
          std::vector<std::string>{"success_url url_parsing"});
}

TEST_CASE_FIXTURE(model_fixture, "a body that is no JSON is a 400 and one that is no object a 422") {
  CHECK(call(token(), "POST", "device-onboarding", "{").body == R"({"detail":"Cannot parse request body"})");
  CHECK(call(token(), "POST", "device-onboarding", "{").status == 400);
  CHECK(call(token(), "POST", "device-onboarding", "[]").status == 422);
}

TEST_CASE_FIXTURE(model_fixture, "the right is asked for before the body is looked at") {
  CHECK(call("nobody", "POST", "device-onboarding", "{").status == 401);
  CHECK(upstream.handle({.method = "POST", .target = "/api/partners/v2.0/device-onboarding"}).status == 401);
}

TEST_CASE("known users only: others get 404, created and named ones a session") {
  model_fixture f{{.known_users_only = true, .known_users = {"B169451C-8525-4352-B8CA-070DD449A1A5"}}};
  const auto right = f.token();
  CHECK(f.call(right, "POST", "device-onboarding", f.creation()).status == 404);
  auto body = f.creation();
  body.replace(body.find("a169451c"), 8, "b169451c");
  CHECK(f.call(right, "POST", "device-onboarding", body).status == 201);
  const auto user = f.call(right, "POST", "org/016b78a7-0c7c-4241-a277-015c3ad3cb90/users",
                           R"({"role":"user","email":"a@b.test","external_user_id":"7"})");
  CHECK(user.status == 201);
  CHECK(json::parse(user.body).at("external_user_id") == "7");
  body.replace(body.find("b169451c-8525-4352-b8ca-070dd449a1a5"), 36,
               json::parse(user.body).at("id").as_string().c_str());
  CHECK(f.call(right, "POST", "device-onboarding", body).status == 201);
}

TEST_CASE_FIXTURE(model_fixture, "a user needs an email address and a role, below an organisation's UUID") {
  const auto right = token();
  CHECK(faults_of(call(right, "POST", "org/016b78a7-0c7c-4241-a277-015c3ad3cb90/users", R"({"email":"nobody"})")) ==
        std::vector<std::string>{"role missing", "email value_error"});
  CHECK(faults_of(call(right, "POST", "org/mine/users", R"({"role":"user","email":"a@b.test"})")) ==
        std::vector<std::string>{"org_id uuid_parsing"});
}

TEST_CASE_FIXTURE(model_fixture, "an onboarded heat pump is read alone and in its user's list, and by nobody else") {
  const auto id = create_session();
  const auto right = token();
  const std::string user =
      "org/016b78a7-0c7c-4241-a277-015c3ad3cb90/users/a169451c-8525-4352-b8ca-070dd449a1a5/heat-pumps";
  CHECK(call(right, "GET", user).body == "[]");
  CHECK(order("POST", "/sessions/" + id + "/complete", R"({"device_id":"8c6efd5a-36d2-4c3d-83a8-b7c9f39242cd"})")
            .status == 200);
  const std::string device =
      R"({"id":"8c6efd5a-36d2-4c3d-83a8-b7c9f39242cd","is_authenticated":true,"is_smart_optimization_active":true,)"
      R"("device_model":"NIBE S1255-6","operational_mode":"heating","current_power_consumption_w":850,)"
      R"("indoor_actual_temperature":2.15E1})";
  CHECK(call(right, "GET", user).body == "[" + device + "]");
  CHECK(call(right, "GET", user + "/8c6efd5a-36d2-4c3d-83a8-b7c9f39242cd").body == device);
  CHECK(call(right, "GET", user + "/00000000-36d2-4c3d-83a8-b7c9f39242cd").status == 404);
  const std::string other =
      "org/016b78a7-0c7c-4241-a277-015c3ad3cb90/users/b169451c-8525-4352-b8ca-070dd449a1a5/heat-pumps";
  CHECK(call(right, "GET", other + "/8c6efd5a-36d2-4c3d-83a8-b7c9f39242cd").status == 404);
}

TEST_CASE_FIXTURE(model_fixture, "other methods and paths are told apart") {
  const auto right = token();
  CHECK(call(right, "PUT", "device-onboarding").status == 405);
  CHECK(header(call(right, "PUT", "device-onboarding"), "Allow") == "POST");
  CHECK(call(right, "DELETE", "device-onboarding/x").status == 405);
  CHECK(call(right, "GET", "device-onboarding/").status == 404);
  CHECK(call(right, "GET", "nothing").status == 404);
}

TEST_CASE("a limit admits so many creations in every interval and tells when to come again") {
  model_fixture f{{.creation_limits = {{.count = 2, .per = 10s}}}};
  const auto right = f.token();
  const auto create = [&] { return f.call(right, "POST", "device-onboarding", f.creation()); };
  CHECK(create().status == 201);
  f.advance(3s);
  CHECK(create().status == 201);
  f.advance(2500ms);
  const auto refused = create();
  CHECK(refused.status == 429);
  CHECK(header(refused, "Retry-After") == "5");
  f.advance(4499ms);
  CHECK(create().status == 429);
  f.advance(1ms);
  CHECK(create().status == 201);
  CHECK(create().status == 429);
  f.order("POST", "/limits", R"({"creations":[]})");
  CHECK(create().status == 201);
}
