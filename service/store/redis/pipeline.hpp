#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/time/clock.hpp"
#include "store/redis/trouble.hpp"

namespace gateway::store::redis {

struct pipeline_options {
  // When the oldest unanswered command has waited so long, the connection is taken for dead. Several times what a
  // command is waited for: a slow moment costs some commands their answers, not everybody the connection.
  time::duration patience = std::chrono::milliseconds{500};
  // Commands that wait for an answer, those included whose askers have left. More are refused.
  std::size_t most_outstanding = 10'000;
};

// Decides, for one connection, which reply belongs to whom, what was written, and when the server has been silent for
// too long. It holds the bytes to be sent and knows no socket and no clock.
class pipeline {
 public:
  using number = std::uint64_t;  // of a command; they count up by one

  // Who waits for answers; told once for every command that was not abandoned.
  class asker {
   public:
    virtual void answered(number which, outcome what) noexcept = 0;

    virtual ~asker() = default;
  };

  struct owed {
    number which = 0;
    asker* who = nullptr;  // null: has left; the reply is to be dropped
    bool written = false;
  };

  explicit pipeline(pipeline_options options);

  bool has_room_for(std::size_t commands) const noexcept {
    return owed_.size() + commands <= options_.most_outstanding;
  }
  number add(std::string_view command, asker& who, time::instant now);
  // Bytes to which no reply of their own is due: in subscribe mode.
  void add_unanswered(std::string_view command) { out_ += command; }

  // What to write next, at most so much; empty: nothing. From now on it counts as written, taken or not: TLS may have
  // it encrypted already, so that exactly these bytes must follow.
  std::string_view offer(std::size_t at_most);
  // So many of the bytes offered were taken. They are wiped: there may have been a password among them.
  void took(std::size_t bytes);

  // Whoever asked has left or given up. A command that was not offered yet is taken back and will never be sent; the
  // answer to another is dropped when it comes. True: it was written.
  bool abandon(number which);
  // A reply has come: whose it is. Empty: nobody is owed one.
  std::optional<owed> next_owed();
  // When the connection is to be torn down if no reply comes; never where none is owed.
  std::optional<time::instant> patience_ends() const;

  bool answered_all() const noexcept { return owed_.empty(); }
  bool wants_to_write() const noexcept { return front_ < out_.size(); }

 private:
  struct entry {
    number which;
    asker* who;
    std::uint64_t begins;  // in the stream of all bytes
    std::size_t size;
    time::instant since;
  };
  bool written(const entry& e) const noexcept { return e.begins < offered_; }

  pipeline_options options_;
  std::deque<entry> owed_;  // in the order of their replies
  number next_ = 0;
  std::string out_;            // from `front_` on not taken yet
  std::size_t front_ = 0;      // what lies before is wiped, and goes when it is worth a move
  std::uint64_t taken_ = 0;    // bytes of the stream before `front_`
  std::uint64_t offered_ = 0;  // bytes of the stream that were ever offered
};

}  // namespace gateway::store::redis
