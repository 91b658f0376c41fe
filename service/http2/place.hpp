#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http2/connection.hpp"

namespace gateway::http2 {

// One exchange at a time on a connection, as a channel: takes a request as HTTP/1.1 has it, and gives the answer so.
// For this folder only.
class place final : public transport::channel {
 public:
  explicit place(std::shared_ptr<connection> on) noexcept;
  ~place() override;

  transport::io_result try_read(std::span<char> into) noexcept override;
  bool hand_over(std::string& into) noexcept override;
  transport::io_result try_write(std::span<const char> from) noexcept override;
  transport::io_result put(std::span<const char> from) noexcept override;
  transport::io_result flush() noexcept override;
  void finish() noexcept override;
  transport::readiness& ready() noexcept override { return ready_; }
  bool one_of_several() const noexcept override { return true; }
  bool unprocessed() const noexcept override { return unprocessed_; }
  std::optional<boost::asio::ip::address> peer_address() const override { return on_->below_->peer_address(); }
  std::string reason() const override;

 private:
  friend connection;
  friend struct session_calls;

  // An answer comes (RFC 9113, section 8.1).
  void take_field(std::string_view name, std::string_view value);
  void end_of_head(bool end_of_answer);
  void take_content(std::string_view bytes);
  void end_of_answer();
  void stream_closed(std::uint32_t code) noexcept;
  // The request's last byte ends at this position of what is written.
  void request_ends_at(std::uint64_t position) noexcept;
  // Content of the request that is still to be framed.
  std::size_t give_content(std::span<std::uint8_t> into, bool& last) noexcept;
  void keep_content();
  void lose(bool unprocessed) noexcept;

  std::shared_ptr<connection> on_;
  transport::readiness ready_;
  std::int32_t stream_ = 0;        // 0: none is open
  std::string answer_;             // as HTTP/1.1 has it, as far as it has come
  std::size_t read_to_ = 0;        // of it
  std::string_view content_;       // of the request, what is not framed
  std::string kept_content_;       // where it has to wait for the server's window
  std::uint64_t request_end_ = 0;  // where it is known
  std::uint64_t heard_before_ = 0;
  std::string_view why_;  // it failed, by the stream's own doing
  unsigned status_ = 0;
  bool framed_ = false;  // all of the request
  bool head_over_ = false;
  bool has_length_ = false;
  bool chunked_ = false;
  bool over_ = false;  // the answer is there to its end
  bool failed_ = false;
  bool unprocessed_ = false;
};

}  // namespace gateway::http2
