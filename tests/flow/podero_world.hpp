#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "flow/world.hpp"
#include "simulator/model/podero.hpp"

namespace gateway::flow {

inline constexpr std::string_view example_body =
    R"({"language":"de","price_zone_default":"AT","is_smart_optimization_active_default":true,)"
    R"("success_url":"https://my-customerportal.com/success","cancel_url":"https://my-customerportal.com/error",)"
    R"("user_id":"a169451c-8525-4352-b8ca-070dd449a1a5"})";

// The documented request, to the account `sandbox`. Header lines with their line ends.
inline std::string example_creation(std::string_view more_headers = "", std::string_view body = example_body) {
  return "POST /v1/accounts/sandbox/onboarding-sessions HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\n" +
         std::string{more_headers} + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

// A text member of a flat JSON document, wherever it stands; "" if it is not there.
inline std::string text_of(std::string_view document, std::string_view member) {
  const auto at = document.find("\"" + std::string{member} + "\":\"");
  if (at == std::string_view::npos) return {};
  const auto begin = at + member.size() + 4;
  return std::string{document.substr(begin, document.find('"', begin) - begin)};
}

// The simulator's model behind the gateway, on the test's clock.
struct podero_world {
  explicit podero_world(const std::string& yaml = plain_configuration()) { w.start_gateway(yaml); }

  simulator::podero podero{{.client_id = "example-client",
                            .client_secret = std::string{world::client_secret},
                            .public_url = "https://connect.podero.test"},
                           [this](std::span<unsigned char> into) {
                             for (auto& byte : into) byte = static_cast<unsigned char>(random_.next());
                           },
                           [this] { return simulator::moment{w.clock.wall_now(), w.clock.now()}; }};
  // Once, for the API: instead of asking the model, or what becomes of the model's answer.
  std::optional<simulator::wire_script> instead;
  std::function<void(simulator::response&)> next_answer;
  // At every request to the API, as it came.
  std::function<void(const simulator::request&)> look;
  // For every answer of the API.
  std::function<void(simulator::response&)> always;

  world w{[this](const simulator::request& r) {
    const bool api = r.target.starts_with("/api/");
    if (api && look) look(r);
    if (api && instead) return *std::exchange(instead, std::nullopt);
    auto answered = podero.handle(r);
    if (api && always) always(answered);
    if (api && next_answer) std::exchange(next_answer, {})(answered);
    return simulator::make_script(answered, {});
  }};

  std::uint64_t token_requests() { return podero.log().requests(simulator::operation::token); }
  std::uint64_t creations() { return podero.log().requests(simulator::operation::create); }

  // The documented creation, with as much time as its answer takes.
  answer create_patiently() {
    auto caller = w.connect();
    CHECK(caller.say(example_creation()));
    w.settle();
    auto got = w.heard(caller);
    for (int i = 0; i < 200 && !got; ++i) {
      w.advance(std::chrono::milliseconds{100});
      got = w.heard(caller);
    }
    caller.leave();
    w.settle();
    return got.value_or(answer{});
  }

  // Bytes of Podero's answer to the documented creation; makes one.
  std::uint64_t answer_length() {
    std::uint64_t length = 0;
    next_answer = [&](simulator::response& r) {
      for (const auto& step : simulator::make_script(r, {}).steps) length += step.bytes.size() * step.repeat;
    };
    CHECK(create_patiently().status == 201);
    return length;
  }

 private:
  random::seeded_source random_{7};
};

}  // namespace gateway::flow
