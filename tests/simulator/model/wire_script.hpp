#pragma once

#include "simulator/model/message.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace simulator {

// One thing to do with a connection. A server (or an in-memory stand-in for one) carries a script out in order.
struct step {
  enum class kind : std::uint8_t { wait, send, close, reset, stall };
  static constexpr std::uint64_t for_ever = std::numeric_limits<std::uint64_t>::max();

  kind what = kind::send;
  std::chrono::milliseconds duration{0};  // of wait
  std::string bytes = {};                 // of send
  std::uint64_t repeat = 1;               // of send: how many times
};

struct wire_script {
  std::vector<step> steps;
  bool keep_alive = true;  // after the steps: read the next request, or say farewell and close
};

struct wire_conditions {
  bool keep_alive = true;     // what the request and the connection allow
  bool head_request = false;  // an answer to HEAD has no body
};

// The bytes of an answer with every fault of its delivery applied. Pure.
wire_script make_script(const response& answer, wire_conditions conditions);

// What of it other ways to send an answer need too.
bool forbids_body(unsigned status) noexcept;
header_list padding_fields(std::size_t bytes);
std::uint64_t announced_length(const response& answer) noexcept;
std::string_view reason_phrase(unsigned status) noexcept;

}  // namespace simulator
