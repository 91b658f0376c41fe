#pragma once

#include <optional>
#include <string_view>

#include "foundation/transport/next_stage.hpp"
#include "listener/postponed.hpp"
#include "listener/server.hpp"

namespace gateway::listener {

// The requests that come over one connection until it has nothing more to say, one after the other. Lives as long as
// the exchange is leased to the connection.
class conversation {
 public:
  conversation(server& owner, transport::channel& connection, transport::watchdog& guard, exchange& x) noexcept
      : server_{owner}, connection_{connection}, guard_{guard}, x_{x} {
    x_.connection = &connection_;
  }

  // True: the connection may wait for its next request, or the exchange has one whose answer comes later. False: it is
  // over. `first`: what was postponed on this connection, to be answered now.
  transport::task<bool> run(std::unique_ptr<postponed> first = {});
  // At least one request was answered.
  bool answered() const noexcept { return answered_; }
  // One answer to no request at all, and the end.
  transport::task<> refuse(const errors::failure& why);

 private:
  enum class heard : std::uint8_t { bytes, head, nothing, gone, refused };

  static constexpr std::size_t read_step = 4096;
  static constexpr std::size_t most_skipped =
      std::size_t{64} * 1024;  // of a body that nobody wants, to keep the connection
  static constexpr auto skipping_patience = time::duration{std::chrono::seconds{5}};
  static constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

  // These and those below that are not inlined would be a part of their callers' frames, of which there is one for each
  // request under way; with frames of their own they take memory only while they run.
  [[gnu::noinline]] transport::task<bool> answer_late(std::unique_ptr<postponed> what);
  transport::task<> let_others();
  // The others' requests come as far as this one.
  transport::next_stage next_stage() const noexcept { return transport::next_stage{server_.loop_.ready()}; }
  void note_beginning();
  std::optional<heard> hear();
  std::optional<heard> look_at_input();
  heard end_of_head_missing();
  heard refused(const errors::failure& why);

  [[gnu::noinline]] std::size_t take_head();
  void forget_credentials() noexcept;
  [[gnu::noinline]] bool pass_the_desk();
  [[gnu::noinline]] void refuse_request(const errors::failure& why);
  [[gnu::noinline]] void answer_for(const std::exception& fault, errors::effect effect);
  transport::task<bool> answer_request();
  bool take_body(std::size_t limit);
  [[gnu::noinline]] transport::task<bool> read_body(std::size_t limit);
  transport::task<bool> read_sized(std::size_t length);
  transport::task<bool> read_chunked(std::size_t limit);
  [[gnu::noinline]] transport::task<bool> skip_body();
  [[gnu::noinline]] transport::task<> run_batch();
  void note_departure(bool sent) noexcept;
  admission::request_count* load_count() const noexcept;
  transport::task<bool> send_reply(bool keep);
  transport::task<bool> send(std::string_view bytes);
  transport::task<> linger();
  // One try to read behind `into`'s end, at most `most` bytes, waiting where it must. False: nothing more comes.
  transport::task<bool> read_more(std::string& into, std::size_t most);
  transport::io_result try_read(std::string& into, std::size_t most);
  void set_guard(time::duration limit);
  bool timed_out() const noexcept { return woken_ == transport::wake::timed_out; }

  server& server_;
  transport::channel& connection_;
  transport::watchdog& guard_;
  exchange& x_;
  bool answered_ = false;
  std::size_t used_ = 0;      // of the input, by the present request
  std::size_t searched_ = 0;  // of the input, for the end of a head
  transport::wake woken_ = transport::wake::ready;
};

}  // namespace gateway::listener
