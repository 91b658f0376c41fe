#pragma once

#include "simulator/model/control.hpp"
#include "simulator/model/podero.hpp"
#include "simulator/model/text_forms.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <string>
#include <utility>

namespace simulator::testing {

using namespace std::chrono_literals;

// A Podero whose clock stands at noon of 23 August 2024 and whose random bytes count from zero.
struct model_fixture {
  moment now{std::chrono::sys_days{std::chrono::year{2024} / 8 / 23} + 12h,
             std::chrono::steady_clock::time_point{1000s}};
  unsigned char next_byte = 0;
  podero upstream;
  control controls{upstream};

  explicit model_fixture(settings wanted = {})
      : upstream{with_url(std::move(wanted)),
                 [this](std::span<unsigned char> bytes) {
                   for (auto& b : bytes) b = next_byte++;
                 },
                 [this] { return now; }} {}

  static settings with_url(settings wanted) {
    wanted.public_url = "https://connect.test";
    return wanted;
  }

  void advance(std::chrono::milliseconds by) {
    now.wall += by;
    now.steady += by;
  }

  // base64("example-client-id:example-secret-not-real")
  static constexpr const char* basic = "Basic ZXhhbXBsZS1jbGllbnQtaWQ6ZXhhbXBsZS1zZWNyZXQtbm90LXJlYWw=";
  static constexpr const char* grant = R"({"grant_type": "client_credentials"})";

  response ask_token(const std::string& authorization = basic, const std::string& body = grant,
                     const std::string& type = "application/json") {
    return upstream.handle({.method = "POST",
                            .target = "/oauth2/token/",
                            .headers = {{"Authorization", authorization}, {"Content-Type", type}},
                            .body = body});
  }

  std::string token() {
    const auto answer = ask_token();
    return std::string{boost::json::parse(answer.body).at("access_token").as_string()};
  }

  response call(const std::string& token, const std::string& method, const std::string& path,
                const std::string& body = {}) {
    return upstream.handle({.method = method,
                            .target = "/api/partners/v2.0/" + path,
                            .headers = {{"authorization", "Bearer " + token}},
                            .body = body});
  }

  static std::string creation(const std::string& success_url = "https://my-customerportal.com/success",
                              const std::string& language = "de") {
    return R"({"language":")" + language +
           R"(","price_zone_default":"AT","is_smart_optimization_active_default":true,)" + R"("success_url":")" +
           success_url + R"(","cancel_url":"https://my-customerportal.com/error",)" +
           R"("user_id":"a169451c-8525-4352-b8ca-070dd449a1a5"})";
  }

  std::string create_session(const std::string& body = creation()) {
    const auto answer = call(token(), "POST", "device-onboarding", body);
    return std::string{boost::json::parse(answer.body).at("id").as_string()};
  }

  boost::json::value read_session(const std::string& id) {
    return boost::json::parse(call(token(), "GET", "device-onboarding/" + id).body);
  }

  response browse(const std::string& target) { return upstream.handle({.method = "GET", .target = target}); }
  response submit(const std::string& path, const std::string& form) {
    return upstream.handle({.method = "POST",
                            .target = path,
                            .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                            .body = form});
  }

  response order(const std::string& method, const std::string& target, const std::string& body = {}) {
    return controls.handle({.method = method, .target = target, .body = body});
  }
};

inline std::string header(const response& answer, std::string_view name) {
  const auto* value = find_header(answer.headers, name);
  return value ? *value : std::string{};
}

}  // namespace simulator::testing
