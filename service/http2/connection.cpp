#include "http2/connection.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "foundation/secrets/secret.hpp"
#include "http2/memory.hpp"
#include "http2/place.hpp"
#include "http2/request_head.hpp"

namespace gateway::http2 {

using transport::io_status;
using transport::readiness;
using transport::task;

// What nghttp2 tells.
struct session_calls {
  static place* at(nghttp2_session* session, std::int32_t stream) noexcept {
    return static_cast<place*>(nghttp2_session_get_stream_user_data(session, stream));
  }
  static connection& of(void* self) noexcept { return *static_cast<connection*>(self); }
  static std::string_view text(const std::uint8_t* bytes, std::size_t size) noexcept {
    return {reinterpret_cast<const char*>(bytes), size};
  }

  static int field(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                   std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t /*flags*/,
                   void* /*self*/) {
    if (auto* const to = at(session, frame->hd.stream_id))
      to->take_field(text(name, name_size), text(value, value_size));
    return 0;
  }
  static int content(nghttp2_session* session, std::uint8_t /*flags*/, std::int32_t stream, const std::uint8_t* bytes,
                     std::size_t size, void* /*self*/) {
    if (auto* const to = at(session, stream)) to->take_content(text(bytes, size));
    return 0;
  }
  static int frame_came(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    const bool last = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA:
        if (auto* const to = at(session, frame->hd.stream_id)) {
          if (frame->hd.type == NGHTTP2_HEADERS) to->end_of_head(last);
          if (last) to->end_of_answer();
        }
        break;
      case NGHTTP2_SETTINGS:
        of(self).greeted_ = true;
        if (auto* const waiting = of(self).awaiting_greeting_) waiting->wake_up();
        break;
      case NGHTTP2_GOAWAY:
        if (frame->goaway.error_code != NGHTTP2_NO_ERROR)
          // Not in its own words: what it was sent may stand among them (RFC 9113, section 6.8).
          of(self).fault_ =
              std::string{"the server ended the connection: "} + nghttp2_http2_strerror(frame->goaway.error_code);
        of(self).stop_taking();
        break;
      default:
        break;
    }
    return 0;
  }
  static int frame_made(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    const auto type = frame->hd.type;
    // Ours, with nghttp2's words for what is wrong with what came.
    if (type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR && of(self).fault_.empty())
      of(self).fault_ = "HTTP/2: " + std::string{text(frame->goaway.opaque_data, frame->goaway.opaque_data_len)};
    if ((type != NGHTTP2_HEADERS && type != NGHTTP2_DATA) || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    const auto& on = of(self);
    if (auto* const from = at(session, frame->hd.stream_id)) from->request_ends_at(on.gone_ + on.out_.size());
    return 0;
  }
  static int closed(nghttp2_session* session, std::int32_t stream, std::uint32_t code, void* /*self*/) {
    if (auto* const whose = at(session, stream)) whose->stream_closed(code);
    return 0;
  }
  static ssize_t give_content(nghttp2_session* /*session*/, std::int32_t /*stream*/, std::uint8_t* into,
                              std::size_t size, std::uint32_t* flags, nghttp2_data_source* source, void* /*self*/) {
    bool last = false;
    const auto bytes = static_cast<place*>(source->ptr)->give_content({into, size}, last);
    if (last) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(bytes);
  }

  // One for all sessions.
  static const nghttp2_session_callbacks* all() {
    struct deleter {
      void operator()(nghttp2_session_callbacks* calls) const noexcept { nghttp2_session_callbacks_del(calls); }
    };
    static const std::unique_ptr<nghttp2_session_callbacks, deleter> calls = [] {
      nghttp2_session_callbacks* made = nullptr;
      if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc{};
      nghttp2_session_callbacks_set_on_header_callback(made, &field);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, &content);
      nghttp2_session_callbacks_set_on_frame_recv_callback(made, &frame_came);
      nghttp2_session_callbacks_set_on_frame_send_callback(made, &frame_made);
      nghttp2_session_callbacks_set_on_stream_close_callback(made, &closed);
      return std::unique_ptr<nghttp2_session_callbacks, deleter>{made};
    }();
    return calls.get();
  }
};

namespace {

// Of all answers together, before the server waits for us. Of one it is the protocol's own 64 KiB.
constexpr std::int32_t connection_window = 1024 * 1024;

// RFC 9113, sections 4.1 and 4.2: before a frame's bytes stand its length in three, its type, its flags and its stream;
// every server takes frames of 16 KiB.
constexpr std::size_t frame_head = 9;
constexpr std::size_t most_fields = 16 * 1024 - 64;

// nghttp2 takes bytes that may be changed, and changes none.
nghttp2_nv nv(std::string_view name, std::string_view value) noexcept {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

}  // namespace

connection::connection(transport::loop& loop, std::unique_ptr<transport::channel> below, std::size_t most)
    : loop_{loop}, below_{std::move(below)}, most_{most} {
  nghttp2_session* made = nullptr;
  auto memory = recycled_memory();
  if (nghttp2_session_client_new3(&made, session_calls::all(), this, nullptr, &memory) != 0) throw std::bad_alloc{};
  session_.reset(made);
  // Nobody wants what was not asked for, nor keeps a table of fields that came before: nginx puts every answer's into
  // it, and repeats none of them.
  constexpr std::array<nghttp2_settings_entry, 2> ours{
      {{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0}, {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}}};
  nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, ours.data(), ours.size());
  nghttp2_session_set_local_window_size(made, NGHTTP2_FLAG_NONE, 0, connection_window);
  below_->ready().observe(this);
}

connection::~connection() {
  below_->ready().observe(nullptr);
  if (!lost_) {
    nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
    more_to_collect_ = true;
    write_out();
  }
  below_->finish();
}

task<connection::opened> connection::open(transport::loop& loop, std::unique_ptr<transport::channel> below,
                                          std::size_t most, time::instant deadline) {
  std::shared_ptr<connection> made{new connection{loop, std::move(below), most}};
  made->write_out();
  made->read_all();  // what came with the handshake's last bytes
  auto greeting = made->greeted(deadline);
  auto& greeted = co_await greeting;
  if (!greeted) co_return std::unexpected{std::move(greeted.error())};
  co_return std::move(made);
}

task<std::expected<void, std::string>> connection::greeted(time::instant deadline) {
  transport::parking place{loop_.ready()};
  if (!greeted_ && !lost_) {
    awaiting_greeting_ = &place;
    co_await place.wait(loop_.deadlines(), deadline);
    awaiting_greeting_ = nullptr;
  }
  if (lost_) co_return std::unexpected{reason_};
  if (!greeted_) co_return std::unexpected{std::string{"no greeting in HTTP/2 in time"}};
  co_return std::expected<void, std::string>{};
}

std::size_t connection::most_places() const noexcept {
  const auto servers = nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return std::min<std::size_t>(most_, servers);
}

bool connection::has_room() const noexcept {
  return takes_requests() && places_.size() < most_places();
}

std::unique_ptr<transport::channel> connection::take_place() {
  auto one = std::make_unique<place>(shared_from_this());
  places_.push_back(one.get());
  return one;
}

bool connection::submit(place& from, std::string_view request) noexcept {
  if (!takes_requests()) return false;
  const auto parts = write_fields(request, fields_);
  if (!parts || fields_.size() > most_fields) {
    secrets::wipe(fields_);
    from.why_ = "the request cannot be sent over HTTP/2";
    return false;
  }
  from.content_ = parts->content;
  nghttp2_data_provider content{{.ptr = &from}, &session_calls::give_content};
  const std::array<nghttp2_nv, 2> first{nv(":method", parts->method), nv(":scheme", "https")};
  from.stream_ = nghttp2_submit_request(session_.get(), nullptr, first.data(), first.size(),
                                        from.content_.empty() ? nullptr : &content, &from);
  if (from.stream_ < 0) {
    from.stream_ = 0;
    from.why_ = "the connection takes no further request";  // it has used up its numbers
    stop_taking();
  } else {
    collect();
    if (!fields_.empty()) {
      withdraw(from);
      from.why_ = "the server takes fewer requests at once than before";
    } else if (!from.content_.empty()) {
      from.keep_content();
    }
  }
  secrets::wipe(fields_);
  return from.stream_ != 0 && !lost_;
}

// The fields that nghttp2 was not given go behind those that it was, in the same frame.
void connection::add_fields(std::size_t frame_at) {
  const auto size = out_.size() - frame_at - frame_head + fields_.size();
  out_ += fields_;
  for (std::size_t i = 0; i < 3; ++i) out_[frame_at + i] = static_cast<char>(size >> (8 * (2 - i)) & 0xff);
  secrets::wipe(fields_);
}

// nghttp2 makes frames as long as it may, by the server's windows.
void connection::collect() noexcept {
  for (;;) {
    const std::uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size == 0) return;
    if (size < 0) return lose("HTTP/2: " + std::string{nghttp2_strerror(static_cast<int>(size))});
    const auto at = out_.size();
    out_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    if (!fields_.empty() && bytes[3] == NGHTTP2_HEADERS) add_fields(at);
  }
}

void connection::write_out() noexcept {
  if (lost_) return;
  if (is_linked()) unlink();
  if (std::exchange(more_to_collect_, false)) collect();
  const bool any = written_ < out_.size();
  while (written_ < out_.size()) {
    const auto moved = below_->try_write(std::span{out_}.subspan(written_));
    if (moved.status == io_status::done) {
      written_ += moved.bytes;
      continue;
    }
    if (moved.status == io_status::failed || moved.status == io_status::end) return lose(below_->reason());
    break;  // `channel_event` goes on
  }
  if (!any || written_ < out_.size()) return;
  gone_ += out_.size();
  written_ = 0;
  secrets::wipe(out_);  // tokens stood in it
  for (auto* const each : places_)
    if (!each->ready_.has(readiness::writable)) each->ready_.signal(readiness::writable);
}

void connection::channel_event() {
  read_all();
  write_out();
  // After a goodbye of either side and the last answer, or where what came was no HTTP/2: by then that is said.
  if (!lost_ && nghttp2_session_want_read(session_.get()) == 0)
    lose(fault_.empty() ? "the server ended the connection" : fault_);
}

// A record of TLS is often one frame; nghttp2 is given as many of them at once as there are.
void connection::read_all() noexcept {
  for (auto status = io_status::done; !lost_ && status == io_status::done;) {
    std::size_t there = 0;
    while (there < in_.size() && status == io_status::done) {
      const auto got = below_->try_read(std::span{in_}.subspan(there));
      status = got.status;
      there += got.bytes;
    }
    if (there != 0) take_in({in_.data(), there});
    if (status == io_status::end || status == io_status::failed)
      return lose(fault_.empty() ? below_->reason() : fault_);
  }
}

void connection::take_in(std::string_view bytes) noexcept {
  ++heard_;
  const auto taken =
      nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0) return lose("HTTP/2: " + std::string{nghttp2_strerror(static_cast<int>(taken))});
  more_to_collect_ = true;
}

void connection::stop_taking() noexcept {
  if (closing_) return;
  closing_ = true;
  for (auto* const each : places_)
    if (each->stream_ == 0) each->lose(false);
}

void connection::lose(std::string_view why) noexcept {
  if (lost_) return;
  lost_ = true;
  reason_ = why.empty() ? std::string_view{"the server closed the connection"} : why;
  for (auto* const each : places_) {
    each->stream_ = 0;
    if (!each->over_ || each->read_to_ == each->answer_.size()) each->lose(each->unprocessed_);
  }
  secrets::wipe(out_);
  below_->finish();
  if (awaiting_greeting_ != nullptr) awaiting_greeting_->wake_up();
}

// Nobody waits any more for what becomes of its request.
void connection::withdraw(place& which) noexcept {
  const auto stream = std::exchange(which.stream_, 0);
  nghttp2_session_set_stream_user_data(session_.get(), stream, nullptr);
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
  more_to_collect_ = true;
  loop_.ready().push(*this);
}

void connection::leave(place& which) noexcept {
  if (std::erase(places_, &which) == 0 || lost_ || which.stream_ == 0) return;
  // Its bytes would still go, and nobody would wait for what they do.
  if (which.framed_ && !written(which.request_end_)) return lose("a request was given up on its way");
  withdraw(which);
  // Nothing at all has come since it was sent: whether anybody is there is for another connection to find out.
  if (which.framed_ && which.heard_before_ == heard_) stop_taking();
}

}  // namespace gateway::http2
