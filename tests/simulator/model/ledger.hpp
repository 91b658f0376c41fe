#pragma once

#include "simulator/model/message.hpp"
#include "simulator/model/operation.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace simulator {

// One received request. The instant is that of its last byte, or of its end where a fault cut it short.
struct log_entry {
  std::uint64_t number = 0;
  moment received;
  operation op = operation::other;
  std::optional<unsigned> status = {};  // as answered; nothing where no answer was sent
  std::uint64_t connection = 0;
  bool faulty = false;  // a fault rule had a hand in it
};

struct connection_counters {
  std::uint64_t accepted = 0;
  std::uint64_t open = 0;
  std::uint64_t most_open = 0;
  std::uint64_t tls_handshakes = 0;  // completed ones
  std::uint64_t tls_resumed = 0;     // of these, those that resumed a session
  std::uint64_t tls_failed = 0;
};

// Counts and remembers what was received, for whoever checks a client from the outside.
class ledger {
 public:
  explicit ledger(std::size_t capacity) : capacity_{capacity} {}

  void record(log_entry entry);  // its number is given here, from 1 on
  void count_session_created() noexcept { ++sessions_created_; }
  void count_limited() noexcept { ++limited_; }
  void count_malformed() noexcept { ++malformed_; }
  connection_counters& connections() noexcept { return connections_; }
  const connection_counters& connections() const noexcept { return connections_; }

  std::uint64_t requests(operation op) const noexcept { return by_operation_[static_cast<std::size_t>(op)]; }
  std::uint64_t total() const noexcept { return last_number_; }

  std::string counters_json() const;

  // Entries with a number above `since`, at most `limit`, oldest first.
  std::string requests_json(std::uint64_t since, std::size_t limit) const;

  // The most requests of that operation (nothing: of every one) in any half-open interval of that length, among those
  // remembered.
  std::size_t busiest(std::optional<operation> op, std::chrono::nanoseconds per) const;

  // Zero everything but the number of open connections. Numbers of requests go on.
  void reset();

 private:
  std::size_t capacity_;
  std::deque<log_entry> entries_;
  std::uint64_t last_number_ = 0;
  std::uint64_t sessions_created_ = 0;
  std::uint64_t limited_ = 0;
  std::uint64_t malformed_ = 0;
  std::uint64_t unanswered_ = 0;
  std::uint64_t faulty_ = 0;
  std::array<std::uint64_t, operation_count> by_operation_{};
  std::map<unsigned, std::uint64_t> by_status_;
  connection_counters connections_;
};

}  // namespace simulator
