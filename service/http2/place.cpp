#include "http2/place.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "foundation/transport/text_cache.hpp"

namespace gateway::http2 {

using transport::io_result;
using transport::io_status;
using transport::readiness;

namespace {

// Why a server or nghttp2 ended a stream (RFC 9113, section 7), for people.
std::string_view meaning_of(std::uint32_t code) noexcept {
  switch (code) {
    case NGHTTP2_NO_ERROR:
      return "the server ended the stream without an answer";
    case NGHTTP2_PROTOCOL_ERROR:
      return "the answer breaks the rules of HTTP/2";
    case NGHTTP2_INTERNAL_ERROR:
      return "the server reset the stream: it has an internal error";
    case NGHTTP2_FLOW_CONTROL_ERROR:
      return "the stream was reset: it kept to no window";
    case NGHTTP2_REFUSED_STREAM:
      return "the server refused the stream before it did anything";
    case NGHTTP2_CANCEL:
      return "the server cancelled the stream";
    case NGHTTP2_ENHANCE_YOUR_CALM:
      return "the server reset the stream: too much is asked of it";
    case NGHTTP2_HTTP_1_1_REQUIRED:
      return "the server wants to be asked in HTTP/1.1 (pool.http2_streams: 0)";
    default:
      return "the server reset the stream";
  }
}

}  // namespace

place::place(std::shared_ptr<connection> on) noexcept : on_{std::move(on)}, ready_{on_->loop_.ready()} {
  ready_.signal(readiness::writable);
}

place::~place() {
  on_->leave(*this);
  transport::text_cache::give(answer_);
}

void place::finish() noexcept {
  on_->leave(*this);
}

io_result place::put(std::span<const char> from) noexcept {
  if (stream_ != 0) on_->withdraw(*this);  // it was answered before all of it was sent
  answer_.clear();
  read_to_ = 0;
  status_ = 0;
  why_ = {};
  framed_ = head_over_ = has_length_ = chunked_ = over_ = unprocessed_ = false;
  heard_before_ = on_->heard_;
  if (failed_ || !on_->submit(*this, {from.data(), from.size()})) return {io_status::failed, 0};
  return {io_status::done, from.size()};
}

io_result place::flush() noexcept {
  on_->write_out();
  if (over_ || (framed_ && on_->written(request_end_))) return {io_status::done, 0};  // over: answered before its end
  if (failed_) return {io_status::failed, 0};
  ready_.clear(readiness::writable);
  return {io_status::want_write, 0};
}

io_result place::try_write(std::span<const char> from) noexcept {
  const auto moved = put(from);
  if (moved.status == io_status::done) on_->write_out();
  return moved;
}

io_result place::try_read(std::span<char> into) noexcept {
  // Its last byte, whichever that is, only once the stream's end has come: what has more or less content than it says
  // is no answer.
  const auto there = over_ || answer_.empty() ? answer_.size() : answer_.size() - 1;
  if (read_to_ < there) {
    const auto bytes = std::min(into.size(), there - read_to_);
    std::copy_n(answer_.data() + read_to_, bytes, into.data());
    read_to_ += bytes;
    if (read_to_ == answer_.size()) {
      transport::text_cache::give(answer_);
      read_to_ = 0;
    }
    return {io_status::done, bytes};
  }
  if (failed_ || (stream_ == 0 && !on_->takes_requests())) return {io_status::failed, 0};
  ready_.clear(readiness::readable);
  return {io_status::want_read, 0};
}

bool place::hand_over(std::string& into) noexcept {
  if (!over_ || answer_.empty() || read_to_ != 0) return false;
  into.swap(answer_);
  transport::text_cache::give(answer_);
  return true;
}

std::string place::reason() const {
  if (!why_.empty()) return std::string{why_};
  return on_->reason_.empty() ? std::string{"the server takes no more requests on the connection"} : on_->reason_;
}

void place::take_field(std::string_view name, std::string_view value) {
  if (head_over_) return;  // trailers: nobody asked for any
  if (answer_.empty()) transport::text_cache::take(answer_);
  if (name == ":status") {
    answer_ += "HTTP/1.1 ";
    answer_ += value;
    answer_ += " \r\n";
    std::from_chars(value.data(), value.data() + value.size(), status_);
    return;
  }
  has_length_ = has_length_ || name == "content-length";
  answer_ += name;
  answer_ += ": ";
  answer_ += value;
  answer_ += "\r\n";
}

void place::end_of_head(bool last) {
  if (head_over_) return;
  if (status_ < 200) {  // an interim answer: the real one follows
    answer_.clear();
    has_length_ = false;
    return;
  }
  head_over_ = true;
  if (!last && !has_length_) {
    chunked_ = true;
    answer_ += "transfer-encoding: chunked\r\n";
  } else if (last && !has_length_ && status_ != 204 && status_ != 304) {
    answer_ += "content-length: 0\r\n";
  }
  if (!on_->takes_requests()) answer_ += "connection: close\r\n";
  answer_ += "\r\n";
  ready_.signal(readiness::readable);
}

void place::take_content(std::string_view bytes) {
  if (bytes.empty()) return;
  if (answer_.empty()) transport::text_cache::take(answer_);
  if (chunked_) {
    std::array<char, 16> size;
    answer_.append(size.data(), std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16).ptr);
    answer_ += "\r\n";
  }
  answer_ += bytes;
  if (chunked_) answer_ += "\r\n";
  ready_.signal(readiness::readable);
}

void place::end_of_answer() {
  if (!head_over_) return;
  over_ = true;
  if (chunked_) answer_ += "0\r\n\r\n";
  ready_.signal(readiness::readable | readiness::writable);
}

void place::stream_closed(std::uint32_t code) noexcept {
  stream_ = 0;
  if (over_) return;
  why_ = meaning_of(code);
  lose(code == NGHTTP2_REFUSED_STREAM || code == NGHTTP2_HTTP_1_1_REQUIRED);
}

void place::lose(bool unprocessed) noexcept {
  failed_ = true;
  unprocessed_ = unprocessed;
  ready_.signal(readiness::readable | readiness::writable | readiness::hung_up);
}

void place::request_ends_at(std::uint64_t position) noexcept {
  framed_ = true;
  request_end_ = position;
  ready_.signal(readiness::writable);
}

std::size_t place::give_content(std::span<std::uint8_t> into, bool& last) noexcept {
  const auto bytes = std::min(into.size(), content_.size());
  std::copy_n(content_.begin(), bytes, into.begin());
  content_.remove_prefix(bytes);
  last = content_.empty();
  return bytes;
}

void place::keep_content() {
  kept_content_ = content_;
  content_ = kept_content_;
}

}  // namespace gateway::http2
