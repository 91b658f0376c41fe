#pragma once

#include <boost/asio/ip/address.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "foundation/transport/readiness.hpp"

namespace gateway::transport {

enum class io_status : std::uint8_t {
  done,        // `bytes` were moved, at least one
  want_read,   // nothing now: wait for interest::read, then try again
  want_write,  // nothing now: wait for interest::write, then try again
  end,         // the peer finished its direction in good order
  failed       // the connection is unusable; `reason()` of the channel says why
};

struct io_result {
  io_status status = io_status::failed;
  std::size_t bytes = 0;
};

// A stream of bytes in both directions: a TCP socket, TLS over a channel, or one end of a pair in memory. It tries and
// never blocks; who must wait does so on `ready()`. Belongs to one loop and is used by one coroutine at a time.
class channel {
 public:
  channel() = default;
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;
  virtual ~channel() = default;

  virtual io_result try_read(std::span<char> into) noexcept = 0;
  // Where what has come is a text of the channel's own it changes hands instead of being copied: `into`, which is
  // empty, becomes all of it. False: there is nothing of the kind, and `try_read` says what there is.
  virtual bool hand_over(std::string& /*into*/) noexcept { return false; }
  // May move fewer bytes than offered. After want_* the same bytes must be offered again.
  virtual io_result try_write(std::span<const char> from) noexcept = 0;
  // Reading and writing in two steps, for who lets others come between them (next_stage.hpp): a channel that works on
  // the bytes keeps its work apart from the system's. Of any other there is one step.
  //
  // Takes what has come, for the next `try_read`.
  virtual void fetch() noexcept {}
  // As `try_write`, but what was moved may not have left before `flush` is done.
  virtual io_result put(std::span<const char> from) noexcept { return try_write(from); }
  // Sends what was put: `done` when all of it has left, with no number of bytes.
  virtual io_result flush() noexcept { return {io_status::done, 0}; }
  // Ends the outgoing direction without waiting (FIN; TLS close_notify where it can be sent at once).
  virtual void finish() noexcept = 0;
  // Where one waits, and where the watchdog of the connection interrupts.
  virtual readiness& ready() noexcept = 0;
  // Who is at the other end, where that is an address of a network.
  virtual std::optional<boost::asio::ip::address> peer_address() const { return std::nullopt; }
  // It shares a connection with others, of which it is one of several streams: that it ends says nothing of how long a
  // connection may rest.
  virtual bool one_of_several() const noexcept { return false; }
  // The peer has said that it did nothing with what was sent last, nor will.
  virtual bool unprocessed() const noexcept { return false; }
  // Why the channel failed, for people. Empty while it has not.
  virtual std::string reason() const = 0;
};

}  // namespace gateway::transport
