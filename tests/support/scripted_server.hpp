#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/http/parser.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/memory.hpp"
#include "foundation/transport/parking.hpp"
#include "support/certificates.hpp"
#include "tls/stream.hpp"
#include "upstream/target.hpp"

namespace gateway::support {

// A server behind a connector in memory: it accepts whoever connects, shakes hands, reads requests and answers each by
// the script, and where that is used up by a function. It breaks off wherever it is told to. `requests` holds what
// arrived whole, so that a test can say what the server saw.
class scripted_server final : public transport::connector {
 public:
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  struct request {
    std::size_t connection = 0;  // 0, 1, ... in the order of their arrival
    std::string bytes{};         // all of it
    std::string line{};          // "POST /path HTTP/1.1"
    std::string authorization{};
    std::string body{};
  };

  // What happens to one request.
  struct reply {
    std::string bytes{};
    std::size_t cut_at = nowhere;          // reset after so many bytes of the answer
    std::size_t cut_request_at = nowhere;  // reset when so many bytes of the request were read
    bool held = false;                     // after its first bytes nothing is read until `step`
    bool silent = false;                   // the request is read, and nothing is said until `step`
    bool close = false;                    // FIN after the answer
  };

  explicit scripted_server(transport::loop& loop, std::shared_ptr<tls::server_context> identity,
                           std::size_t capacity = 64 * 1024)
      : loop_{loop}, identity_{std::move(identity)}, capacity_{capacity} {}

  // A complete answer with a Content-Length.
  static reply answer(unsigned status, std::string_view body, std::string_view lines = {}) {
    reply made;
    made.bytes = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\n" + std::string{lines} +
                 "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
    return made;
  }

  // ---- the script

  void then(reply next) { script_.push_back(std::move(next)); }
  void otherwise(std::function<reply(const request&)> what) { otherwise_ = std::move(what); }
  void refuse_connections(int many) { refusing_ = many; }
  // Accepts, and never shakes hands.
  void ignore_connections(int many) { ignoring_ = many; }
  // What is held or silent goes on.
  void step() {
    const auto all = std::exchange(stepping_, {});
    for (auto* place : all) place->wake_up();
  }

  // ---- from outside

  // As by a restart: every connection is reset.
  void reset_all() {
    for (auto& each : connections_)
      if (each.wire != nullptr) each.wire->reset();
  }
  // In good order, as by an idle limit.
  void close_all() {
    for (auto& each : connections_)
      if (each.stream) each.stream->finish();
  }
  // Ends the server's coroutines; the loop must turn afterwards.
  void hang_up() {
    step();
    for (auto& each : connections_)
      if (each.stream) each.stream->ready().interrupt(transport::wake::cancelled);
  }

  std::vector<request> requests;
  std::size_t connections() const noexcept { return connections_.size(); }

  transport::task<std::expected<std::unique_ptr<transport::channel>, std::string>> connect(transport::endpoint,
                                                                                           time::instant) override {
    if (refusing_ > 0) {
      --refusing_;
      co_return std::unexpected{std::string{"connection refused"}};
    }
    auto [client, server] = transport::memory_channel::make_pair(loop_.ready(), capacity_);
    auto& added = connections_.emplace_back();
    added.number = connections_.size() - 1;
    added.wire = server.get();
    added.stream = std::make_unique<tls::stream>(std::move(server), identity_->accept());
    if (ignoring_ > 0)
      --ignoring_;
    else
      loop_.spawn(serve(added));
    co_return std::unique_ptr<transport::channel>{std::move(client)};
  }

 private:
  struct connection {
    std::size_t number = 0;
    transport::memory_channel* wire = nullptr;
    std::unique_ptr<tls::stream> stream;
    std::string input;
  };

  transport::task<> serve(connection& on) {
    auto shaken = co_await on.stream->handshake();
    if (!shaken) co_return;
    for (;;) {
      if (on.input.empty()) {
        const bool some = co_await read_more(on);
        if (!some) co_return;
      }
      auto next = take_scripted();
      if (next && next->held) co_await pause();
      request got{.connection = on.number};
      const bool whole = co_await read_request(on, got, next ? next->cut_request_at : nowhere);
      if (!whole) {
        on.wire->reset();
        co_return;
      }
      requests.push_back(got);
      if (!next) next = otherwise_(got);
      if (next->silent) co_await pause();
      const bool going = co_await say(on, *next);
      if (!going) co_return;
    }
  }

  std::optional<reply> take_scripted() {
    if (script_.empty()) return std::nullopt;
    auto next = std::move(script_.front());
    script_.pop_front();
    return next;
  }

  transport::task<> pause() {
    transport::parking place{loop_.ready()};
    stepping_.push_back(&place);
    co_await place.wait(loop_.deadlines(), time::instant::max());
    std::erase(stepping_, &place);
  }

  // False: cut on purpose, or the client is gone.
  transport::task<bool> read_request(connection& on, request& into, std::size_t cut_at) {
    std::size_t whole = nowhere;
    while (on.input.size() < whole) {
      if (on.input.size() >= cut_at) co_return false;
      if (whole == nowhere) whole = measure(on.input, into);
      if (on.input.size() >= whole) break;
      const bool more = co_await read_more(on);
      if (!more) co_return false;
    }
    if (whole >= cut_at) co_return false;
    into.bytes = on.input.substr(0, whole);
    into.body = into.bytes.substr(into.bytes.find("\r\n\r\n") + 4);
    on.input.erase(0, whole);
    co_return true;
  }

  // The size of the request whose head is there.
  static std::size_t measure(const std::string& input, request& into) {
    const auto end = http::end_of_head(input, 0);
    if (!end) return nowhere;
    http::request_head head;
    http::request_parser parser{{}, head};
    REQUIRE(parser.read_head(std::string_view{input}.substr(0, *end)).has_value());
    into.line = input.substr(0, input.find("\r\n"));
    into.authorization = std::string{head.fields.get(http::field::authorization).value_or("")};
    return *end + static_cast<std::size_t>(head.content_length);
  }

  transport::task<bool> read_more(connection& on) {
    std::array<char, 4096> piece{};
    for (;;) {
      const auto got = on.stream->try_read(piece);
      if (got.status == transport::io_status::done) {
        on.input.append(piece.data(), got.bytes);
        co_return true;
      }
      if (got.status != transport::io_status::want_read) co_return false;
      const auto woken = co_await on.stream->ready().wait(transport::interest::read);
      if (woken != transport::wake::ready) co_return false;
    }
  }

  // False: the connection is over.
  transport::task<bool> say(connection& on, const reply& what) {
    std::string_view left{what.bytes};
    left = left.substr(0, what.cut_at);
    while (!left.empty()) {
      const auto put = on.stream->try_write(left);
      if (put.status == transport::io_status::done) {
        left.remove_prefix(put.bytes);
        continue;
      }
      if (put.status != transport::io_status::want_write) co_return false;
      const auto woken = co_await on.stream->ready().wait(transport::interest::write);
      if (woken != transport::wake::ready) co_return false;
    }
    if (what.cut_at != nowhere) {
      // The client reads what came before the cut.
      transport::parking turn{loop_.ready()};
      turn.wake_up();
      co_await turn.wait(loop_.deadlines(), time::instant::max());
      on.wire->reset();
      co_return false;
    }
    if (what.close) on.stream->finish();
    co_return !what.close;
  }

  transport::loop& loop_;
  std::shared_ptr<tls::server_context> identity_;
  std::size_t capacity_;
  std::list<connection> connections_;
  std::deque<reply> script_;
  std::function<reply(const request&)> otherwise_ = [](const request&) { return answer(500, "the script is over"); };
  std::vector<transport::parking*> stepping_;
  int refusing_ = 0;
  int ignoring_ = 0;
};

// Every name leads to one address, at once.
class one_address final : public upstream::resolver {
 public:
  transport::task<std::expected<std::vector<transport::endpoint>, std::string>> resolve(const std::string&,
                                                                                        std::uint16_t port,
                                                                                        time::instant) override {
    co_return std::vector{transport::endpoint{boost::asio::ip::make_address("192.0.2.1"), port}};
  }
};

}  // namespace gateway::support
