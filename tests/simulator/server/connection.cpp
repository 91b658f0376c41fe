#include "simulator/server/connection.hpp"

#include "simulator/model/wire_script.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>

#include <optional>

namespace simulator {
namespace {

namespace http = boost::beast::http;
using namespace std::chrono_literals;
using tls_stream = asio::ssl::stream<tcp_socket>;
using steady = std::chrono::steady_clock;

constexpr auto request_allowance = 60s;  // for a request once its first byte is there, and for each write
constexpr auto farewell_allowance = 500ms;
constexpr auto stall_length = 10min;
constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t largest_buffer = 256 * 1024;
constexpr std::uint32_t largest_head = 64 * 1024;
constexpr std::uint64_t largest_body = 1024 * 1024;

template <class Stream>
class connection final : public idle_closable, public std::enable_shared_from_this<connection<Stream>> {
 public:
  connection(Stream stream, site& behind, std::shared_ptr<connection_set> others)
      : stream_{std::move(stream)},
        watchdog_{socket().get_executor()},
        pause_{socket().get_executor()},
        site_{&behind},
        others_{std::move(others)},
        plan_{behind.accept()} {
    others_->insert(this);
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() override { others_->erase(this); }

  static void start(std::shared_ptr<connection> self) {
    const auto executor = self->socket().get_executor();
    asio::co_spawn(executor, watch(self), asio::detached);
    asio::co_spawn(executor, run(self), asio::detached);
  }

  bool close_if_idle(cut_kind how) override {
    if (!idle_) return false;
    idle_end_ = how;
    cancel();
    return true;
  }

 private:
  using parser = http::request_parser<http::string_body>;

  tcp_socket& socket() noexcept {
    if constexpr (std::is_same_v<Stream, tls_stream>)
      return stream_.next_layer();
    else
      return stream_;
  }

  void cancel() noexcept {
    boost::system::error_code ignored;
    socket().cancel(ignored);
    pause_.cancel();
  }

  // The one deadline of the connection: moved by every phase, and cheap where it only moves on.
  void allow(steady::duration span) {
    deadline_ = steady::now() + span;
    if (deadline_ < watchdog_.expiry()) watchdog_.expires_at(deadline_);  // wakes the watch, which looks again
  }

  static task<> watch(std::shared_ptr<connection> self) {
    while (!self->done_) {
      if (steady::now() >= self->deadline_) {
        self->cancel();
        self->deadline_ = steady::now() + farewell_allowance;  // for what run() still does
      }
      self->watchdog_.expires_at(self->deadline_);
      co_await self->watchdog_.async_wait(as_result);
    }
  }

  static task<> run(std::shared_ptr<connection> self) {
    const bool open = co_await self->shake_hands();
    if (open) co_await self->answer_requests();
    self->done_ = true;
    boost::system::error_code ignored;
    self->socket().close(ignored);
    self->watchdog_.cancel();
    self->site_->closed();
  }

  task<bool> shake_hands() {
    allow(request_allowance + plan_.handshake_delay);
    if (plan_.handshake_delay.count() > 0) co_await sleep(plan_.handshake_delay);
    if (plan_.instead_of_handshake) {
      site_->handshake_done(false, false);
      co_await cut_off(*plan_.instead_of_handshake);
      co_return false;
    }
    if constexpr (std::is_same_v<Stream, tls_stream>) {
      const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, as_result);
      site_->handshake_done(!error, !error && SSL_session_reused(stream_.native_handle()) == 1);
      co_return !error;
    } else {
      co_return true;
    }
  }

  task<> answer_requests() {
    for (std::uint64_t served = 1;; ++served) {
      parser_.emplace();
      parser_->eager(true);
      parser_->header_limit(largest_head);
      parser_->body_limit(largest_body);
      exchange_.reset();
      const bool complete = co_await receive();
      if (!complete) co_return;
      const auto req = take_request();
      const bool last = plan_.max_requests != 0 && served >= plan_.max_requests;
      auto answer = site_->finish(*exchange_, req);
      if (last && plan_.announce_last) answer.how.close_afterwards = true;
      if (last && !plan_.announce_last) answer.how.close_unannounced = true;
      const auto script =
          make_script(answer, {.keep_alive = parser_->get().keep_alive(), .head_request = req.method == "HEAD"});
      const bool go_on = co_await carry_out(script);
      if (!go_on) co_return;
    }
  }

  // Reads one request into the parser. False: the connection is at its end, and was ended.
  task<bool> receive() {
    std::uint64_t received = 0;
    bool continued = false;
    while (true) {
      if (buffer_.size() > 0) {
        boost::system::error_code error;
        const auto used = parser_->put(buffer_.data(), error);
        buffer_.consume(used);
        received += used;
        if (error && error != http::error::need_more) {
          co_await refuse(error);
          co_return false;
        }
      }
      if (parser_->is_header_done() && !exchange_) exchange_ = site_->begin(method(), target());
      if (exchange_ && exchange_->on_arrival() && received + buffer_.size() >= exchange_->on_arrival()->after_bytes) {
        site_->abandon(*exchange_, plan_.number);
        co_await cut_off(exchange_->on_arrival()->kind);
        co_return false;
      }
      if (parser_->is_done()) co_return true;
      if (exchange_ && !continued && parser_->get()[http::field::expect] == "100-continue") {
        continued = true;
        co_await asio::async_write(stream_, asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25), as_result);
      }
      const bool more = co_await read_more(received == 0 && buffer_.size() == 0);
      if (!more) co_return false;
    }
  }

  task<bool> read_more(bool between_requests) {
    if (buffer_.size() >= largest_buffer) {
      co_await refuse(http::error::header_limit);
      co_return false;
    }
    allow(between_requests ? steady::duration{plan_.idle_timeout} : steady::duration{request_allowance});
    idle_ = between_requests;
    const auto [error, size] = co_await stream_.async_read_some(buffer_.prepare(read_size), as_result);
    idle_ = false;
    if (error) {
      // Aborted between requests: an idle connection has waited too long, or was told to close.
      if (between_requests && error == asio::error::operation_aborted) {
        if (idle_end_ == cut_kind::reset)
          co_await cut_off(cut_kind::reset);
        else
          co_await say_farewell();
      }
      co_return false;
    }
    buffer_.commit(size);
    co_return true;
  }

  std::string_view method() const {
    return {parser_->get().method_string().data(), parser_->get().method_string().size()};
  }
  std::string_view target() const { return {parser_->get().target().data(), parser_->get().target().size()}; }

  request take_request() {
    auto& message = parser_->get();
    request req{.method = std::string{method()},
                .target = std::string{target()},
                .headers = {},
                .body = std::move(message.body()),
                .connection = plan_.number,
                .received = site_->now()};
    for (const auto& field : message)
      req.headers.emplace_back(std::string_view{field.name_string().data(), field.name_string().size()},
                               std::string_view{field.value().data(), field.value().size()});
    return req;
  }

  task<> refuse(boost::system::error_code error) {
    site_->malformed();
    response answer{.status = 400, .headers = {{"Content-Type", "text/html"}}};
    if (error == http::error::body_limit) answer.status = 413;
    if (error == http::error::header_limit) answer.status = 431;
    answer.body = "<html><body><h1>" + std::to_string(answer.status) + ' ' + std::string{reason_phrase(answer.status)} +
                  "</h1></body></html>\n";
    const auto script = make_script(answer, {.keep_alive = false});
    co_await carry_out(script);
  }

  // False: the connection is at its end, and was ended.
  task<bool> carry_out(const wire_script& script) {
    for (const auto& s : script.steps) {
      bool go_on = true;
      switch (s.what) {
        case step::kind::wait:
          co_await sleep(s.duration);
          break;
        case step::kind::send:
          go_on = co_await send(s);
          break;
        case step::kind::close:
          co_await cut_off(cut_kind::close);
          co_return false;
        case step::kind::reset:
          co_await cut_off(cut_kind::reset);
          co_return false;
        case step::kind::stall:
          co_await cut_off(cut_kind::stall);
          co_return false;
      }
      if (!go_on) co_return false;
    }
    if (!script.keep_alive) co_await say_farewell();
    co_return script.keep_alive;
  }

  task<bool> send(const step& s) {
    for (std::uint64_t sent = 0; sent < s.repeat; ++sent) {
      allow(request_allowance);
      const auto [error, size] = co_await asio::async_write(stream_, asio::buffer(s.bytes), as_result);
      if (error) co_return false;
    }
    co_return true;
  }

  task<> sleep(steady::duration span) {
    allow(span + request_allowance);
    pause_.expires_after(span);
    co_await pause_.async_wait(as_result);
  }

  task<> cut_off(cut_kind kind) {
    switch (kind) {
      case cut_kind::close:
        co_await close_in_order();
        break;
      case cut_kind::reset:
        co_await reset();
        break;
      case cut_kind::stall:
        co_await hold();
        break;
    }
  }

  // Holds the connection without reading or writing, until the peer has given it up.
  task<> hold() {
    const auto end = steady::now() + stall_length;
    while (steady::now() < end && peer_is_there()) co_await sleep(50ms);
  }

  // Without reading, the kernel's view of the connection is the only sign.
  bool peer_is_there() {
    tcp_info info{};
    socklen_t size = sizeof info;
    return ::getsockopt(socket().native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_state == TCP_ESTABLISHED;
  }

  task<> say_farewell() {
    if constexpr (std::is_same_v<Stream, tls_stream>) {
      allow(farewell_allowance);
      co_await stream_.async_shutdown(as_result);
    }
    co_await close_in_order();
  }

  // FIN first, and what still arrives is thrown away for a moment: closing with unread bytes would send RST instead.
  task<> close_in_order() {
    boost::system::error_code failed;
    socket().shutdown(asio::socket_base::shutdown_send, failed);
    allow(farewell_allowance);
    std::array<char, 4096> nowhere{};
    while (!failed) {
      const auto [error, size] = co_await socket().async_read_some(asio::buffer(nowhere), as_result);
      failed = error;
    }
  }

  // RST. What was sent before has to leave first, since it would be dropped with the connection.
  task<> reset() {
    for (int tries = 0; tries < 200 && unsent_bytes() > 0; ++tries) co_await sleep(1ms);
    boost::system::error_code ignored;
    socket().set_option(asio::socket_base::linger{true, 0}, ignored);
    socket().close(ignored);
  }

  int unsent_bytes() {
    int count = 0;
    return ::ioctl(socket().native_handle(), SIOCOUTQ, &count) == 0 ? count : 0;
  }

  Stream stream_;
  timer watchdog_;
  timer pause_;
  steady::time_point deadline_ = steady::now() + request_allowance;
  boost::beast::flat_buffer buffer_;
  std::optional<parser> parser_;
  std::optional<exchange> exchange_;
  site* site_;
  std::shared_ptr<connection_set> others_;
  connection_plan plan_;
  bool idle_ = false;
  bool done_ = false;
  std::optional<cut_kind> idle_end_;
};

}  // namespace

void serve_plain(tcp_socket socket, site& behind, std::shared_ptr<connection_set> others) {
  using plain = connection<tcp_socket>;
  plain::start(std::make_shared<plain>(std::move(socket), behind, std::move(others)));
}

void serve_tls(tcp_socket socket, asio::ssl::context& context, site& behind, std::shared_ptr<connection_set> others) {
  using secure = connection<tls_stream>;
  secure::start(std::make_shared<secure>(tls_stream{std::move(socket), context}, behind, std::move(others)));
}

}  // namespace simulator
