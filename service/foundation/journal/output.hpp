#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace gateway::journal {

// The one way to a descriptor that several writers share (standard output: events and every loop's access lines). Lines
// never run into each other, and nobody waits for a slow reader: what a pipe or socket cannot take at once stays with
// the writer, also when the descriptor itself is a blocking one, since its flags belong to others as well. All
// functions may be called from any thread. A program that uses it ignores SIGPIPE.
class output {
 public:
  // The descriptor stays the caller's and outlives this object.
  explicit output(int descriptor);
  // Waits up to 100 ms for the reader to take what is kept.
  ~output();
  output(const output&) = delete;
  output& operator=(const output&) = delete;

  // Whole lines, each ended by a line break. Returns how many bytes were taken: always whole lines, all of them if the
  // descriptor keeps up. The rest is the caller's to offer again. Where the descriptor has failed (nobody reads any
  // more) all are taken and counted as dropped.
  std::size_t write(std::string_view lines);

  // One line that must not be lost easily: kept (up to 64 KiB of them) until the descriptor takes it. Beyond that it is
  // dropped and counted.
  void post(std::string_view line);

  // Tries to write what post() kept; true if nothing is left.
  bool flush();
  // The same, waiting for the reader up to that long: before the process ends.
  bool drain(std::chrono::milliseconds at_most);

  // Lines lost here.
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  enum class result : std::uint8_t { done, blocked, failed };

  result write_some(std::string_view& text);
  result write_pieces(std::string_view& text);
  bool flush_kept();
  void count_lines(std::string_view lost) noexcept;
  std::size_t room() const noexcept;

  const int descriptor_;
  bool socket_ = false;
  bool may_block_ = true;
  std::size_t pipe_size_ = 0;  // 0: not a pipe
  std::mutex mutex_;
  std::string kept_;  // goes out before anything else: the rest of a line cut short, and posted lines
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace gateway::journal
