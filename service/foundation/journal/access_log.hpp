#pragma once

#include "foundation/journal/level.hpp"
#include "foundation/journal/output.hpp"
#include "foundation/journal/timestamp.hpp"
#include "foundation/time/clock.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace gateway::journal {

// What became of the lines of a batch.
struct batch_entry {
  std::uint64_t lines = 0;  // that were read; more than the rest together: some were still under way
  std::uint64_t created = 0;
  std::uint64_t reused = 0;
  std::uint64_t replayed = 0;
  std::uint64_t failed = 0;
  bool complete = false;  // the batch was read to its end, and its answer sent to its end
};

// One answered request. Empty texts, a status of 0 and stages that did not happen are left out of the line.
struct access_entry {
  time::wall_instant at;  // when the answer was given
  level severity = level::info;
  std::string_view request_id;
  std::string_view trace_id;
  std::string_view caller;
  std::string_view peer;  // the address that it came from
  std::string_view account;
  std::string_view route;
  std::string_view method;
  unsigned code = 0;
  std::string_view problem;  // its name: "rate-limited"
  std::string_view effect;
  std::string_view session;  // the id of the onboarding session, where it is about one
  unsigned upstream_status = 0;
  bool caller_left = false;  // before there was an answer; left out where it is not so
  std::optional<batch_entry> batch;
  std::chrono::nanoseconds duration{0};
  std::optional<std::chrono::nanoseconds> queue;
  std::optional<std::chrono::nanoseconds> token;
  std::optional<std::chrono::nanoseconds> connect;
  std::optional<std::chrono::nanoseconds> upstream;
};

// One session or user that was made, or may have been: who did it, for whom it counts. Empty texts are left out.
struct audit_entry {
  time::wall_instant at{};
  std::string_view message{};
  std::string_view request_id{};
  std::uint32_t line = 0;  // of a batch; 0: it is no line of one
  std::string_view trace_id{};
  std::string_view caller{};
  std::string_view account{};
  std::string_view effect{};
  std::string_view session{};
  std::string_view key_fingerprint{};  // of the idempotency key, never the key
};

// A line per request, of one event loop: appended to memory of fixed size, without allocation or lock, and written in
// batches. The loop's owner calls flush() from a timer, and when should_flush() says so. Loop's thread only, except
// dropped().
class access_log {
 public:
  struct options {
    format style = format::json;
    std::size_t capacity = 256 * 1024;
  };

  // The output outlives the log.
  access_log(output& to, options how);

  // Never fails and never waits: a line that does not fit is dropped whole and counted.
  void append(const access_entry& entry) noexcept;
  void append(const audit_entry& entry) noexcept;

  // Writes what the output takes now; the rest stays for the next call. True if nothing stayed. With no line of its own
  // it sends events that had to wait in the output.
  bool flush();

  // So many bytes wait to be written that a pipe which was read empty takes no more at once. (To wake its reader costs
  // more than to write: after every 16 KiB it took 7 % of a creation's time; perf.)
  static constexpr std::size_t many = 60 * 1024;
  bool should_flush() const noexcept { return end_ - begin_ > many; }
  std::size_t pending() const noexcept { return end_ - begin_; }

  // Lines lost because memory was full. Any thread. (Those that the output lost, it counts itself.)
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  template <class Entry>
  void append_or_count(const Entry& entry) noexcept;
  template <class Entry>
  bool try_append(const Entry& entry) noexcept;
  bool make_room() noexcept;

  output& to_;
  const options how_;
  const std::unique_ptr<char[]> memory_;
  std::size_t begin_ = 0;  // [begin_, end_) waits to be written; lines lie whole, so they go out whole
  std::size_t end_ = 0;
  timestamp stamp_;
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace gateway::journal
