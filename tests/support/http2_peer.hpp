#pragma once

#include <doctest/doctest.h>
#include <nghttp2/nghttp2.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/transport/channel.hpp"

namespace gateway::support {

// The test's end of a connection that speaks HTTP/2: a server that answers when and as the test says. What it was sent
// is read, and what it says is written, by `turn`.
class http2_peer {
 public:
  struct request {
    std::vector<std::pair<std::string, std::string>> fields;  // with the pseudo-header fields, as they came
    std::string content;
    bool complete = false;
    bool closed = false;
    std::uint32_t closed_with = 0;

    std::string field(std::string_view name) const {
      for (const auto& [each, value] : fields)
        if (each == name) return value;
      return {};
    }
  };
  using fields = std::vector<std::pair<std::string, std::string>>;

  explicit http2_peer(std::unique_ptr<transport::channel> channel) : channel_{std::move(channel)} {
    nghttp2_session_callbacks* calls = nullptr;
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_header_callback(calls, &on_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, &on_content);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, &on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, &on_close);
    nghttp2_session* made = nullptr;
    nghttp2_session_server_new(&made, calls, this);
    nghttp2_session_callbacks_del(calls);
    session_.reset(made);
  }

  // Its greeting; without one nobody may go on.
  void greet(std::vector<nghttp2_settings_entry> settings = {}) {
    nghttp2_submit_settings(session(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    turn();
  }
  // What the other end's greeting says.
  std::uint32_t wanted(nghttp2_settings_id which) { return nghttp2_session_get_remote_settings(session(), which); }
  // Everything that has come is read, and everything that is to be said is written.
  void turn() {
    std::array<char, 4096> piece;
    for (;;) {
      const auto got = channel_->try_read(piece);
      if (got.status == transport::io_status::end || got.status == transport::io_status::failed) ended_ = true;
      if (got.status != transport::io_status::done) break;
      bytes_heard_ += got.bytes;
      const auto* const bytes = reinterpret_cast<const std::uint8_t*>(piece.data());
      CHECK(nghttp2_session_mem_recv(session(), bytes, got.bytes) == static_cast<ssize_t>(got.bytes));
    }
    const std::uint8_t* bytes = nullptr;
    for (ssize_t size = 0; (size = nghttp2_session_mem_send(session(), &bytes)) > 0;) say(bytes, size);
  }
  void answer(std::int32_t stream, const fields& head, std::string content = {}, const fields& trailers = {}) {
    answers_[stream].trailers = trailers;
    give(stream, head, std::move(content));
  }
  // All of it but its end.
  void begin_answer(std::int32_t stream, const fields& head, std::string content) {
    answers_[stream].held = true;
    give(stream, head, std::move(content));
  }
  void end_answer(std::int32_t stream) {
    answers_[stream].held = false;
    nghttp2_session_resume_data(session(), stream);
    turn();
  }
  void interim(std::int32_t stream, const fields& head) {
    const auto list = pointers(head);
    nghttp2_submit_headers(session(), NGHTTP2_FLAG_NONE, stream, nullptr, list.data(), list.size(), nullptr);
    turn();
  }
  void reset(std::int32_t stream, std::uint32_t code) {
    nghttp2_submit_rst_stream(session(), NGHTTP2_FLAG_NONE, stream, code);
    turn();
  }
  // It will answer the streams up to this one, and no other.
  void goodbye(std::int32_t last_stream, std::uint32_t code = NGHTTP2_NO_ERROR, std::string_view words = {}) {
    nghttp2_submit_goaway(session(), NGHTTP2_FLAG_NONE, last_stream, code,
                          reinterpret_cast<const std::uint8_t*>(words.data()), words.size());
    turn();
  }
  void settings(const std::vector<nghttp2_settings_entry>& next) { greet(next); }
  void say_raw(std::string_view bytes) { channel_->try_write(bytes); }
  void close() { channel_->finish(); }

  std::map<std::int32_t, request>& requests() { return requests_; }
  request& at(std::int32_t stream) {
    REQUIRE(requests_.contains(stream));
    return requests_.at(stream);
  }
  std::size_t bytes_heard() const { return bytes_heard_; }
  // It was told that nothing more is asked.
  bool told_goodbye() const { return told_goodbye_; }
  bool ended() const { return ended_; }
  transport::channel& channel() { return *channel_; }

 private:
  struct reply {
    std::string content;
    fields trailers;
    std::size_t given = 0;
    bool held = false;
  };
  struct deleter {
    void operator()(nghttp2_session* one) const noexcept { nghttp2_session_del(one); }
  };

  nghttp2_session* session() { return session_.get(); }
  void give(std::int32_t stream, const fields& head, std::string content) {
    auto& it = answers_[stream];
    it.content = std::move(content);
    nghttp2_data_provider provider{{.ptr = &it}, &give_content};
    const auto list = pointers(head);
    nghttp2_submit_response(session(), stream, list.data(), list.size(), it.content.empty() ? nullptr : &provider);
    turn();
  }
  void say(const std::uint8_t* bytes, ssize_t size) {
    const std::string_view all{reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
    CHECK(channel_->try_write(all).bytes == all.size());
  }
  static std::vector<nghttp2_nv> pointers(const fields& from) {
    std::vector<nghttp2_nv> list;
    const auto bytes = [](const std::string& text) {
      return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    };
    for (const auto& [name, value] : from)
      list.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    return list;
  }
  static http2_peer& of(void* self) { return *static_cast<http2_peer*>(self); }
  static std::string text(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
  }
  static int on_field(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                      const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
    of(self).requests_[frame->hd.stream_id].fields.emplace_back(text(name, name_size), text(value, value_size));
    return 0;
  }
  static int on_content(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                        std::size_t size, void* self) {
    of(self).requests_[stream].content += text(bytes, size);
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type == NGHTTP2_GOAWAY) of(self).told_goodbye_ = true;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
        (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA))
      of(self).requests_[frame->hd.stream_id].complete = true;
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t stream, std::uint32_t code, void* self) {
    auto& it = of(self).requests_[stream];
    it.closed = true;
    it.closed_with = code;
    return 0;
  }
  static ssize_t give_content(nghttp2_session* session, std::int32_t stream, std::uint8_t* into, std::size_t size,
                              std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& it = *static_cast<reply*>(source->ptr);
    const auto bytes = it.content.copy(reinterpret_cast<char*>(into), size, it.given);
    it.given += bytes;
    if (it.held) return bytes == 0 ? NGHTTP2_ERR_DEFERRED : static_cast<ssize_t>(bytes);
    if (it.given == it.content.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!it.trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const auto list = pointers(it.trailers);
        nghttp2_submit_trailer(session, stream, list.data(), list.size());
      }
    }
    return static_cast<ssize_t>(bytes);
  }

  std::unique_ptr<transport::channel> channel_;
  std::unique_ptr<nghttp2_session, deleter> session_;
  std::map<std::int32_t, request> requests_;
  std::map<std::int32_t, reply> answers_;
  std::size_t bytes_heard_ = 0;
  bool told_goodbye_ = false;
  bool ended_ = false;
};

}  // namespace gateway::support
