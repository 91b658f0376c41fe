#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/transport/channel.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/parking.hpp"
#include "foundation/transport/task.hpp"

namespace gateway::http2 {

class place;

// A client's connection that speaks HTTP/2 (RFC 9113) over any channel, with a number of places: each carries one
// exchange after another, and all of them at once. A place is a channel of its own that is spoken to in HTTP/1.1, so
// whoever sends requests need not know; nghttp2 has the framing, the flow control and the compressed headers.
//
// What the exchanges of one cohort put leaves in one write, and often in one record of TLS (next_stage.hpp).
//
// Of one loop. It lives as long as one of its places does, or whoever opened it keeps it.
class connection final : public std::enable_shared_from_this<connection>,
                         private transport::readiness::observer,
                         private transport::ready_item {
 public:
  using opened = std::expected<std::shared_ptr<connection>, std::string>;

  // Greets the server at the other end of `below` and waits for its greeting until `deadline`; with `most` places, or
  // fewer where the server takes fewer requests at once. The error is for people.
  static transport::task<opened> open(transport::loop& loop, std::unique_ptr<transport::channel> below,
                                      std::size_t most, time::instant deadline);
  // Says goodbye, where the channel takes it at once.
  ~connection() override;

  // One more place can be taken.
  bool has_room() const noexcept;
  // A place, as a channel for one request and its answer at a time, each request offered whole. It ends with `failed`
  // once the server takes no more requests, or the connection is lost; `unprocessed` where the server says that it did
  // nothing with the last one (RFC 9113, section 8.7). Destroyed in the middle of an exchange it takes that back, as
  // far as can be.
  std::unique_ptr<transport::channel> take_place();

 private:
  friend place;
  friend struct session_calls;
  struct session_deleter {
    void operator()(nghttp2_session* session) const noexcept { nghttp2_session_del(session); }
  };

  connection(transport::loop& loop, std::unique_ptr<transport::channel> below, std::size_t most);
  // Whether the server has greeted in time, and why not.
  transport::task<std::expected<void, std::string>> greeted(time::instant deadline);

  void channel_event() override;
  void run() override { write_out(); }

  // Frames of the request, behind those that wait to be written. False: nothing was put, and the place says why.
  bool submit(place& from, std::string_view request) noexcept;
  // Whether all that stands before `position` of what was ever to be written was handed to the channel.
  bool written(std::uint64_t position) const noexcept { return position <= gone_ + written_; }
  void read_all() noexcept;
  void take_in(std::string_view bytes) noexcept;
  void write_out() noexcept;
  void collect() noexcept;
  void add_fields(std::size_t frame_at);
  std::size_t most_places() const noexcept;
  bool takes_requests() const noexcept { return !closing_ && !lost_; }
  void stop_taking() noexcept;
  void lose(std::string_view why) noexcept;
  void leave(place& which) noexcept;
  void withdraw(place& which) noexcept;

  transport::loop& loop_;
  std::unique_ptr<transport::channel> below_;
  std::unique_ptr<nghttp2_session, session_deleter> session_;
  std::vector<place*> places_;
  const std::size_t most_;
  std::array<char, 16 * 1024> in_;  // what is read at once
  std::string fields_;              // of the request that is put
  std::string out_;                 // frames that are to be written
  std::size_t written_ = 0;         // of them
  std::uint64_t gone_ = 0;          // bytes that were written before the first of them
  std::uint64_t heard_ = 0;         // how often something came
  transport::parking* awaiting_greeting_ = nullptr;
  std::string fault_;            // what nghttp2 last found wrong with what came
  std::string reason_;           // why it is lost
  bool more_to_collect_ = true;  // of nghttp2, which may have something to say that nobody has asked it for
  bool greeted_ = false;
  bool closing_ = false;  // it takes no more requests
  bool lost_ = false;
};

}  // namespace gateway::http2
