#pragma once

#include "simulator/tests/running_server.hpp"

#include <nghttp2/nghttp2.h>

#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <vector>

namespace simulator::testing {

struct http2_answer {
  unsigned status = 0;
  std::vector<unsigned> interim = {};
  std::map<std::string, std::string> headers = {};
  std::string body = {};
  std::optional<std::uint32_t> closed = {};  // with that error code
};

// One blocking HTTP/2 connection.
class http2_client {
 public:
  explicit http2_client(const running_server& to) : below_{to, to.authority()} {
    static constexpr unsigned char offered[] = {2, 'h', '2'};
    SSL_set_alpn_protos(below_.stream().native_handle(), offered, sizeof offered);
    if (const auto error = below_.handshake()) throw boost::system::system_error{error};
    nghttp2_session_callbacks* calls = nullptr;
    nghttp2_session_callbacks_new(&calls);
    nghttp2_session_callbacks_set_on_header_callback(calls, &field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, &content);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, &frame_came);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, &stream_closed);
    nghttp2_option* more = nullptr;
    nghttp2_option_new(&more);
    nghttp2_option_set_max_send_header_block_length(more, 256 * 1024);
    nghttp2_session_client_new2(&session_, calls, this, more);
    nghttp2_option_del(more);
    nghttp2_session_callbacks_del(calls);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~http2_client() { nghttp2_session_del(session_); }
  http2_client(const http2_client&) = delete;
  http2_client& operator=(const http2_client&) = delete;

  // The request leaves with the next flush() or wait_until().
  std::int32_t submit(const std::string& method, const std::string& target, const std::string& body = {},
                      const header_list& more = {}) {
    header_list fields{{":method", method}, {":scheme", "https"}, {":authority", "localhost"}, {":path", target}};
    fields.insert(fields.end(), more.begin(), more.end());
    std::vector<nghttp2_nv> nv;
    for (auto& [name, value] : fields)
      nv.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    auto kept = std::make_unique<std::string>(body);
    const nghttp2_data_provider from{{.ptr = kept.get()}, &give};
    const auto id =
        nghttp2_submit_request(session_, nullptr, nv.data(), nv.size(), body.empty() ? nullptr : &from, nullptr);
    unsent_[id] = std::move(kept);
    return id;
  }

  // False: the connection is at its end.
  bool wait_until(const std::function<bool()>& enough) {
    while (!enough()) {
      flush();
      std::array<std::uint8_t, 16384> part{};
      const auto size = below_.stream().read_some(asio::buffer(part), end_);
      if (end_) return false;
      if (nghttp2_session_mem_recv(session_, part.data(), size) < 0) throw std::runtime_error{"nghttp2 gave up"};
    }
    return true;
  }

  const http2_answer& await(std::int32_t id) {
    wait_until([&] { return answers_[id].closed.has_value(); });
    return answers_[id];
  }
  const http2_answer& call(const std::string& method, const std::string& target, const std::string& body = {},
                           const header_list& more = {}) {
    return await(submit(method, target, body, more));
  }
  boost::system::error_code read_to_end() {
    wait_until([] { return false; });
    return end_;
  }

  // All of it in one write, so that requests arrive together.
  void flush() {
    std::string all;
    const std::uint8_t* out = nullptr;
    for (auto size = nghttp2_session_mem_send(session_, &out); size > 0;
         size = nghttp2_session_mem_send(session_, &out))
      all.append(out, out + size);
    boost::system::error_code ignored;  // the reading tells
    asio::write(below_.stream(), asio::buffer(all), ignored);
  }

  void give_up(std::int32_t id) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    flush();
  }

  header_list right() {
    const auto& answer = call("POST", "/oauth2/token/", R"({"grant_type": "client_credentials"})",
                              {{"authorization", "Basic ZXhhbXBsZS1jbGllbnQtaWQ6ZXhhbXBsZS1zZWNyZXQtbm90LXJlYWw="},
                               {"content-type", "application/json"}});
    return {{"authorization", "Bearer " + std::string{boost::json::parse(answer.body).at("access_token").as_string()}}};
  }

  const std::string& unsent(std::int32_t id) { return *unsent_[id]; }  // of the request's body
  const http2_answer& answer(std::int32_t id) { return answers_[id]; }
  const std::vector<std::int32_t>& closed() const { return closed_; }           // in that order
  const std::optional<std::int32_t>& goaway() const { return goaway_; }         // the last stream it names
  bool understood() const { return nghttp2_session_want_read(session_) != 0; }  // all that came was HTTP/2
  std::uint32_t most_streams() const {
    return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  }

 private:
  static std::uint8_t* bytes(std::string& of) { return reinterpret_cast<std::uint8_t*>(of.data()); }
  static http2_client& of(void* self) { return *static_cast<http2_client*>(self); }

  static int field(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                   const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
    auto& answer = of(self).answers_[frame->hd.stream_id];
    const std::string key(name, name + name_size);
    const std::string text(value, value + value_size);
    if (key != ":status")
      answer.headers[key] = text;
    else if (text.starts_with('1'))
      answer.interim.push_back(static_cast<unsigned>(std::stoul(text)));
    else
      answer.status = static_cast<unsigned>(std::stoul(text));
    return 0;
  }
  static int content(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* part, std::size_t size,
                     void* self) {
    of(self).answers_[id].body.append(part, part + size);
    return 0;
  }
  static int frame_came(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type == NGHTTP2_GOAWAY) of(self).goaway_ = frame->goaway.last_stream_id;
    return 0;
  }
  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* self) {
    of(self).answers_[id].closed = code;
    of(self).closed_.push_back(id);
    return 0;
  }
  static ssize_t give(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t size, std::uint32_t* flags,
                      nghttp2_data_source* source, void*) {
    auto& left = *static_cast<std::string*>(source->ptr);
    const auto given = left.copy(reinterpret_cast<char*>(into), size);
    left.erase(0, given);
    if (left.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(given);
  }

  tls_client below_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, std::unique_ptr<std::string>> unsent_;
  std::map<std::int32_t, http2_answer> answers_;
  std::vector<std::int32_t> closed_;
  std::optional<std::int32_t> goaway_;
  boost::system::error_code end_;
};

}  // namespace simulator::testing
