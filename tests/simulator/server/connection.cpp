#include "simulator/server/connection.hpp"

#include "simulator/model/wire_script.hpp"
#include "simulator/server/carrier.hpp"
#include "simulator/server/http2_connection.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <openssl/ssl.h>

#include <algorithm>
#include <optional>
#include <span>

namespace simulator {
namespace {

namespace http = boost::beast::http;
constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t largest_buffer = 256 * 1024;
constexpr std::uint32_t largest_head = 64 * 1024;
constexpr std::uint64_t largest_body = 1024 * 1024;

template <class Stream>
class connection final : public idle_closable,
                         public carrier<Stream>,
                         public std::enable_shared_from_this<connection<Stream>> {
 public:
  connection(Stream stream, site& behind, std::shared_ptr<connection_set> others)
      : carrier<Stream>{std::move(stream)}, site_{&behind}, others_{std::move(others)}, plan_{behind.accept()} {
    others_->insert(this);
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() override { others_->erase(this); }

  static void start(std::shared_ptr<connection> self) {
    const auto executor = self->socket().get_executor();
    asio::co_spawn(executor, below::watch(self), asio::detached);
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
  using below = carrier<Stream>;
  using below::allow;
  using below::cancel;
  using below::cut_off;
  using below::farewell_allowance;
  using below::request_allowance;
  using below::say_farewell;
  using below::sleep;
  using below::socket;
  using below::stream_;

  static task<> run(std::shared_ptr<connection> self) {
    const bool open = co_await self->shake_hands();
    if (open && self->agreed_on_http2()) {
      self->hand_over();
      co_return;
    }
    if (open) co_await self->answer_requests();
    self->close();
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

  bool agreed_on_http2() {
    if constexpr (std::is_same_v<Stream, tls_stream>) {
      const unsigned char* chosen = nullptr;
      unsigned int size = 0;
      SSL_get0_alpn_selected(stream_.native_handle(), &chosen, &size);
      return std::ranges::equal(std::span{chosen, size}, std::string_view{"h2"});
    } else {
      return false;
    }
  }

  void hand_over() {
    this->end_watch();
    if constexpr (std::is_same_v<Stream, tls_stream>) serve_http2(std::move(stream_), plan_, *site_, others_);
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

  boost::beast::flat_buffer buffer_;
  std::optional<parser> parser_;
  std::optional<exchange> exchange_;
  site* site_;
  std::shared_ptr<connection_set> others_;
  connection_plan plan_;
  bool idle_ = false;
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
