#pragma once

#include "simulator/model/delivery.hpp"
#include "simulator/model/message.hpp"
#include "simulator/model/operation.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <variant>

namespace simulator {

// Which requests (or, for `connection`, which new connections) a rule is about. What is set has to hold all together.
struct fault_match {
  std::optional<operation> op;  // nothing: every request
  bool connection = false;
  std::optional<std::uint64_t> nth;    // only that one, counted from the rule's making
  std::optional<std::uint64_t> every;  // the 3rd, 6th, 9th, ... for 3
  std::optional<std::uint64_t> times;  // no more often than that
  std::optional<double> probability;
  std::uint64_t seed = 1;
};

struct fixed_latency {
  double ms = 0;
};
struct uniform_latency {
  double from_ms = 0;
  double to_ms = 0;
};
struct exponential_latency {
  double mean_ms = 0;  // cut off at ten times the mean
};
using latency = std::variant<fixed_latency, uniform_latency, exponential_latency>;

struct date_in {
  std::chrono::seconds from_now;
};
using retry_after = std::variant<std::chrono::seconds, date_in, std::string>;

// What is done to such a request. Everything is optional and may be combined.
struct fault_action {
  std::optional<simulator::latency> latency;
  std::optional<unsigned> status;   // instead of the true one
  bool after_work = false;          // do the work all the same
  std::optional<std::string> body;  // instead of the true one
  std::string content_type;         // of that body
  bool html = false;                // the page of a load balancer as the body
  header_list headers;              // added, or put in place of one of that name
  std::optional<simulator::retry_after> retry_after;
  std::optional<cut> on_arrival;
  delivery how;

  // For connections.
  std::optional<std::chrono::milliseconds> idle_timeout;
  std::optional<std::uint64_t> max_requests;
  bool announce_last = true;
  std::chrono::milliseconds handshake_delay{0};
  std::optional<cut_kind> instead_of_handshake;
};

struct fault_rule {
  fault_match match;
  fault_action action;
  std::string text;  // as it was sent, for showing it again
};

// Reads {"match": {...}, "action": {...}}. The error names the member and says what it has to be.
std::expected<fault_rule, std::string> read_fault_rule(std::string_view json);

}  // namespace simulator
