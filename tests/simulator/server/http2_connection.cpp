#include "simulator/server/http2_connection.hpp"

#include "simulator/server/http2_answer.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace simulator {
namespace {

constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t largest_write = 256 * 1024;  // an endless body would be collected for ever
constexpr std::size_t largest_head = 64 * 1024;
constexpr std::size_t largest_body = 1024 * 1024;
constexpr std::int32_t connection_window = 1024 * 1024;   // of all bodies together
constexpr std::size_t largest_answer_head = 32UL << 20U;  // padding is to arrive

template <auto Delete>
struct deleter {
  template <class T>
  void operator()(T* what) const noexcept {
    Delete(what);
  }
};
using session_ptr = std::unique_ptr<nghttp2_session, deleter<&nghttp2_session_del>>;
using calls_ptr = std::unique_ptr<nghttp2_session_callbacks, deleter<&nghttp2_session_callbacks_del>>;
using option_ptr = std::unique_ptr<nghttp2_option, deleter<&nghttp2_option_del>>;

std::string_view text(const std::uint8_t* bytes, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(bytes), size};
}

// One request and its answer.
struct exchange_stream {
  exchange_stream(std::int32_t number, const io_executor& executor) : id{number}, pause{executor} {}

  std::int32_t id;
  timer pause;
  request req;
  std::size_t head_size = 0;  // of the fields' names and values
  std::optional<exchange> begun = {};
  bool last = false;      // of as many as the connection is to have
  bool complete = false;  // the request is
  bool decided = false;   // what becomes of it; what still arrives is thrown away
  bool gone = false;
  delivery how = {};
  http2_body body = {};
};
using stream_ptr = std::shared_ptr<exchange_stream>;

// silent: TLS's farewell and FIN; close: FIN alone; reset: RST; lost: there is nobody to say anything to.
enum class parting : std::uint8_t { silent, close, reset, lost };

class http2_connection final : public idle_closable,
                               public carrier<tls_stream>,
                               public std::enable_shared_from_this<http2_connection> {
 public:
  http2_connection(tls_stream stream, const connection_plan& plan, site& behind, std::shared_ptr<connection_set> others)
      : carrier<tls_stream>{std::move(stream)}, site_{&behind}, others_{std::move(others)}, plan_{plan} {
    begin_session();
    others_->insert(this);
  }
  http2_connection(const http2_connection&) = delete;
  http2_connection& operator=(const http2_connection&) = delete;
  ~http2_connection() override { others_->erase(this); }

  static void start(const std::shared_ptr<http2_connection>& self) {
    const auto executor = self->socket().get_executor();
    asio::co_spawn(executor, watch(self), asio::detached);
    asio::co_spawn(executor, run(self), asio::detached);
  }

  bool close_if_idle(cut_kind how) override {
    if (!streams_.empty() || parting_ || terminated_) return false;
    if (how == cut_kind::reset)
      part(parting::reset);
    else
      terminate();
    pump();
    return true;
  }

 private:
  struct calls;

  void begin_session() {
    nghttp2_option* made_option = nullptr;
    if (nghttp2_option_new(&made_option) != 0) throw std::bad_alloc{};
    const option_ptr option{made_option};
    nghttp2_option_set_max_send_header_block_length(option.get(), largest_answer_head);
    const auto told = make_calls();
    nghttp2_session* made = nullptr;
    if (nghttp2_session_server_new2(&made, told.get(), this, option.get()) != 0) throw std::bad_alloc{};
    session_.reset(made);
    const nghttp2_settings_entry ours{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, plan_.http2_streams};
    nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, &ours, 1);
    nghttp2_session_set_local_window_size(made, NGHTTP2_FLAG_NONE, 0, connection_window);
  }

  static calls_ptr make_calls();

  static task<> run(std::shared_ptr<http2_connection> self) {
    self->allow(self->plan_.idle_timeout);
    self->pump();
    co_await self->serve();
    self->forget_streams();
    co_await self->end();
    self->close();
    self->site_->closed();
  }

  // Reads until the connection is to end and the last bytes are out.
  task<> serve() {
    while (!parting_ || writing_) {
      const auto [error, size] = co_await stream_.async_read_some(asio::buffer(in_), as_result);
      if (!error)
        take(size);
      else if (error == asio::error::operation_aborted && !parting_ && !terminated_ && streams_.empty())
        terminate();  // it has been idle for too long
      else
        co_return part(parting::lost);
      pump();
    }
  }

  void take(std::size_t size) {
    if (parting_) return;
    const auto taken = nghttp2_session_mem_recv(session_.get(), in_.data(), size);
    if (taken < 0) {
      site_->malformed();
      part(parting::silent);
    }
    if (!streams_.empty()) allow(stall_length);
  }

  // GOAWAY; the connection ends once it is out.
  void terminate() {
    terminated_ = true;
    nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
  }

  void part(parting how) {
    if (!parting_) parting_ = how;
  }

  // To be called after everything that may have something to send. What comes up meanwhile goes with the next write.
  void pump() {
    if (writing_) return;
    writing_ = true;
    asio::co_spawn(socket().get_executor(), write_all(shared_from_this()), asio::detached);
  }

  static task<> write_all(std::shared_ptr<http2_connection> self) {
    while (self->collect()) {
      const auto [error, size] = co_await asio::async_write(self->stream_, asio::buffer(self->out_), as_result);
      self->out_.clear();
      if (error) {
        self->part(parting::lost);
        break;
      }
    }
    self->writing_ = false;
    if (self->parting_) self->cancel();  // ends the reading
  }

  bool collect() {
    while (!parting_ && out_.size() < largest_write) {
      const std::uint8_t* bytes = nullptr;
      const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
      if (size < 0) part(parting::lost);
      if (size <= 0) break;
      out_ += text(bytes, static_cast<std::size_t>(size));
    }
    if (parting_) out_ += std::exchange(raw_, {});
    const bool over = nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0;
    if (out_.empty() && over) part(parting::silent);
    return !out_.empty();
  }

  void forget_streams() {
    for (const auto& [id, one] : streams_) leave(*one);
    streams_.clear();
  }

  static void leave(exchange_stream& s) {
    s.gone = true;
    s.pause.cancel();
  }

  task<> end() {
    switch (*parting_) {
      case parting::silent:
        co_await say_farewell();
        break;
      case parting::close:
        co_await cut_off(cut_kind::close);
        break;
      case parting::reset:
        co_await cut_off(cut_kind::reset);
        break;
      case parting::lost:
        break;
    }
  }

  // What GOAWAY says was not processed must not be: such streams are not even remembered.
  void begin_stream(std::int32_t id) {
    if (said_goaway_ || parting_) return;
    auto made = std::make_shared<exchange_stream>(id, socket().get_executor());
    made->req.connection = plan_.number;
    nghttp2_session_set_stream_user_data(session_.get(), id, made.get());
    streams_.emplace(id, std::move(made));
  }

  static void take_field(exchange_stream& s, std::string_view name, std::string_view value) {
    s.head_size += name.size() + value.size();
    if (s.head_size > largest_head || s.begun) return;  // refused later, and trailers
    if (name == ":method")
      s.req.method = value;
    else if (name == ":path")
      s.req.target = value;
    else if (name == ":authority")
      s.req.headers.emplace_back("Host", value);
    else if (!name.starts_with(':'))
      s.req.headers.emplace_back(name, value);
  }

  void end_of_head(exchange_stream& s) {
    if (s.head_size > largest_head) return refuse(s, 431);
    s.begun = site_->begin(s.req.method, s.req.target);
    s.last = ++served_ == plan_.max_requests;
    if (s.last && plan_.announce_last) say_goaway(s.id);
    break_off_where_told(s);
    const auto* expected = find_header(s.req.headers, "expect");
    if (!s.decided && !s.complete && expected && *expected == "100-continue") send_interim(s, 100);
  }

  void take_content(exchange_stream& s, std::string_view bytes) {
    if (s.decided) return;
    if (s.req.body.size() + bytes.size() > largest_body) return refuse(s, 413);
    s.req.body += bytes;
    break_off_where_told(s);
  }

  void break_off_where_told(exchange_stream& s) {
    const auto& fault = s.begun->on_arrival();
    if (!fault || s.head_size + s.req.body.size() < fault->after_bytes) return;
    s.decided = true;
    site_->abandon(*s.begun, plan_.number);
    cut(s, fault->kind);
  }

  void end_of_request(exchange_stream& s) {
    if (s.decided) return;
    s.req.received = site_->now();
    auto answer = site_->finish(*s.begun, s.req);
    if (s.last && !plan_.announce_last) answer.how.close_unannounced = true;
    send(s, std::move(answer));
  }

  void refuse(exchange_stream& s, unsigned status) {
    site_->malformed();
    send(s, {.status = status,
             .headers = {{"Content-Type", "text/html"}},
             .body = "<html><body><h1>" + std::to_string(status) + "</h1></body></html>\n"});
  }

  void send(exchange_stream& s, response answer) {
    s.decided = true;
    s.how = answer.how;
    if (s.how.delay.count() == 0 && !s.how.slow_body) return begin_answer(s, answer);
    asio::co_spawn(socket().get_executor(), send_slowly(shared_from_this(), streams_.at(s.id), std::move(answer)),
                   asio::detached);
  }

  static task<> send_slowly(std::shared_ptr<http2_connection> self, stream_ptr s, response answer) {
    if (s->how.delay.count() > 0) co_await wait(*s, s->how.delay);
    if (s->gone) co_return;
    self->begin_answer(*s, answer);
    self->pump();
    while (s->body.holds_back()) {
      co_await wait(*s, s->how.slow_body->every);
      if (s->gone) co_return;
      s->body.release(std::max<std::size_t>(1, s->how.slow_body->bytes));
      nghttp2_session_resume_data(self->session_.get(), s->id);
      self->pump();
    }
  }

  static task<> wait(exchange_stream& s, std::chrono::milliseconds span) {
    s.pause.expires_after(span);
    co_await s.pause.async_wait(as_result);
  }

  void begin_answer(exchange_stream& s, const response& answer) {
    if (s.how.garbage) {
      raw_ = *s.how.garbage;
      return part(parting::silent);
    }
    if (s.how.cut_after && s.how.cut_after->after_bytes == 0) return cut(s, s.how.cut_after->kind);
    for (const auto status : s.how.informational) send_interim(s, status);
    s.body = http2_body{answer, s.req.method == "HEAD"};
    const auto fields = to_nv(http2_fields(answer), scratch_);
    const bool bodyless = s.body.at_end() && !s.body.cut_at_end();
    const nghttp2_data_provider content{{.ptr = &s}, &give_content};
    nghttp2_submit_response(session_.get(), s.id, fields.data(), fields.size(), bodyless ? nullptr : &content);
  }

  void send_interim(const exchange_stream& s, unsigned status) {
    const auto fields = to_nv({{":status", std::to_string(status)}}, scratch_);
    nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, s.id, nullptr, fields.data(), fields.size(), nullptr);
  }

  // nghttp2 copies them, with names in small letters. They live in `keep` until then.
  static std::vector<nghttp2_nv> to_nv(header_list fields, header_list& keep) {
    keep = std::move(fields);
    const auto bytes = [](std::string& of) { return reinterpret_cast<std::uint8_t*>(of.data()); };
    std::vector<nghttp2_nv> out;
    out.reserve(keep.size());
    for (auto& [name, value] : keep)
      out.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    return out;
  }

  static ssize_t give_content(nghttp2_session* /*session*/, std::int32_t /*id*/, std::uint8_t* into, std::size_t size,
                              std::uint32_t* flags, nghttp2_data_source* source, void* self) {
    auto& s = *static_cast<exchange_stream*>(source->ptr);
    const auto given = s.body.give({into, size});
    const auto cut_at_end = s.body.cut_at_end();
    if (s.body.at_end() && !cut_at_end) *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (given > 0 || (*flags & NGHTTP2_DATA_FLAG_EOF) != 0) return static_cast<ssize_t>(given);
    if (s.body.at_end() && cut_at_end == cut_kind::reset) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM
    if (s.body.at_end() && cut_at_end == cut_kind::close) static_cast<http2_connection*>(self)->part(parting::close);
    return NGHTTP2_ERR_DEFERRED;
  }

  void cut(const exchange_stream& s, cut_kind kind) {
    if (kind == cut_kind::close) part(parting::close);
    if (kind == cut_kind::reset)
      nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, s.id, NGHTTP2_INTERNAL_ERROR);
  }

  void say_goaway(std::int32_t last) {
    said_goaway_ = true;
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
  }

  void end_of_answer(const exchange_stream& s) {
    // RFC 9113, section 8.1: the rest of the request is not wanted any more.
    if (!s.complete) nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, s.id, NGHTTP2_NO_ERROR);
    if (s.how.close_unannounced) part(parting::silent);
    if (s.how.close_afterwards && !said_goaway_) say_goaway(nghttp2_session_get_last_proc_stream_id(session_.get()));
  }

  void end_of_stream(std::int32_t id) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) return;
    leave(*found->second);
    streams_.erase(found);
    if (streams_.empty()) allow(plan_.idle_timeout);
  }

  session_ptr session_;
  site* site_;
  std::shared_ptr<connection_set> others_;
  connection_plan plan_;
  std::unordered_map<std::int32_t, stream_ptr> streams_;
  std::array<std::uint8_t, read_size> in_{};
  std::string out_;
  std::string raw_;  // to be sent when nothing else is any more
  header_list scratch_;
  std::uint64_t served_ = 0;
  bool writing_ = false;
  bool said_goaway_ = false;
  bool terminated_ = false;
  std::optional<parting> parting_;
};

// What nghttp2 tells.
struct http2_connection::calls {
  static http2_connection& of(void* self) noexcept { return *static_cast<http2_connection*>(self); }
  static exchange_stream* at(nghttp2_session* session, std::int32_t id) noexcept {
    return static_cast<exchange_stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int head_begins(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* self) {
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) of(self).begin_stream(frame->hd.stream_id);
    return 0;
  }
  static int field(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                   std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t /*flags*/,
                   void* /*self*/) {
    if (auto* const s = at(session, frame->hd.stream_id))
      take_field(*s, text(name, name_size), text(value, value_size));
    return 0;
  }
  static int content(nghttp2_session* session, std::uint8_t /*flags*/, std::int32_t id, const std::uint8_t* bytes,
                     std::size_t size, void* self) {
    if (auto* const s = at(session, id)) of(self).take_content(*s, text(bytes, size));
    return 0;
  }
  static int frame_came(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    auto* const s = at(session, frame->hd.stream_id);
    if (!s) return 0;
    s->complete = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !s->begun && !s->decided) of(self).end_of_head(*s);
    if (s->complete) of(self).end_of_request(*s);
    return 0;
  }
  static int invalid_frame_came(nghttp2_session* /*session*/, const nghttp2_frame* /*frame*/, int error, void* self) {
    if (error != NGHTTP2_ERR_REFUSED_STREAM) of(self).site_->malformed();
    return 0;
  }
  static int frame_made(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    const auto* const s = at(session, frame->hd.stream_id);
    if (s && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) of(self).end_of_answer(*s);
    return 0;
  }
  static int closed(nghttp2_session* /*session*/, std::int32_t id, std::uint32_t /*code*/, void* self) {
    of(self).end_of_stream(id);
    return 0;
  }
};

calls_ptr http2_connection::make_calls() {
  nghttp2_session_callbacks* made = nullptr;
  if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc{};
  nghttp2_session_callbacks_set_on_begin_headers_callback(made, &calls::head_begins);
  nghttp2_session_callbacks_set_on_header_callback(made, &calls::field);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, &calls::content);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, &calls::frame_came);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, &calls::invalid_frame_came);
  nghttp2_session_callbacks_set_on_frame_send_callback(made, &calls::frame_made);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, &calls::closed);
  return calls_ptr{made};
}

}  // namespace

void serve_http2(tls_stream stream, const connection_plan& plan, site& behind, std::shared_ptr<connection_set> others) {
  http2_connection::start(std::make_shared<http2_connection>(std::move(stream), plan, behind, std::move(others)));
}

}  // namespace simulator
