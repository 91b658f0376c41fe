#pragma once

#include <boost/intrusive/list.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admission/connection_ledger.hpp"
#include "admission/load_gate.hpp"
#include "foundation/random/source.hpp"
#include "foundation/transport/channel.hpp"
#include "foundation/transport/loop.hpp"
#include "listener/caller_certificate.hpp"
#include "listener/exchange.hpp"
#include "listener/request_guard.hpp"

namespace gateway::listener {

// What a listener serves. One per loop.
class handler {
 public:
  virtual ~handler() = default;

  virtual std::unique_ptr<scratch> make_scratch() = 0;

  // The head is there and well formed; the body has not been read. Either answers at once (sets reply.status), or says
  // how many bytes of body it takes. Must not wait.
  virtual std::size_t on_head(exchange& x) = 0;
  // The server has refused what `on_head` took: its body did not come as it should, or there is too much to do. The
  // reply may be added to. Must not wait.
  virtual void on_refused(exchange& /*x*/) {}
  // The whole request is there: answer it. What escapes as an exception becomes a 500.
  virtual transport::task<> on_request(exchange& x) = 0;
  // What `on_request` has postponed is to be answered now, or never. Must not wait. What escapes becomes a 500.
  virtual void on_later(exchange& /*x*/, postponed& /*what*/) {}
  // The request is a stream, and its next line would be begun: nothing where its caller may still do so, by what is in
  // force now. Must not wait.
  virtual std::optional<errors::failure> on_next_line(exchange& /*x*/) { return std::nullopt; }
  // `on_request` or `on_later` failed: the caller is told nothing of the reason, so it must not be lost here.
  virtual void on_failure(const exchange& x, std::string_view reason) = 0;
  // The answer was sent, or could not be.
  virtual void on_done(const exchange& x, time::duration took) = 0;
};

// Hears how every TLS handshake ended.
class handshake_observer {
 public:
  // `reason`, for people, where it failed. `over`: the connection, valid for the call.
  virtual void shaken(tls::handshake_end how, bool resumed, std::string_view reason,
                      const transport::channel& over) = 0;

 protected:
  ~handshake_observer() = default;
};

// TLS on a listener, where it speaks it.
struct server_tls {
  std::shared_ptr<tls::server_context> context;  // none: plain
  handshake_observer* observer = nullptr;        // must be there where the context is
  std::size_t most_handshakes = 5000;            // under way at once; with one more, the oldest is given up
};

struct server_options {
  guard_limits limits{};
  time::duration head_timeout = std::chrono::seconds{10};  // and, before the first one, of the TLS handshake
  time::duration body_timeout = std::chrono::seconds{30};
  time::duration write_timeout = std::chrono::seconds{30};
  time::duration idle_timeout = std::chrono::seconds{75};
  admission::connection_ledger* connections = nullptr;  // none: as many as come. Outlives the server
  admission::load_gate* load = nullptr;                 // of this loop; none: nothing is refused for the load
  server_tls tls = {};
};

// HTTP/1.1 on one loop: connections in, requests to the handler, answers out. A connection that waits for its next
// request holds no buffer.
class server {
 public:
  server(transport::loop& loop, handler& serves, server_options options, random::source& randomness);
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // Takes over a connection. One that the ledger refuses is told so (503) and closed; where many of those come at once,
  // the others are closed without a word, because saying it costs as much as serving does.
  void accept(std::unique_ptr<transport::channel> connection);

  // From now on every answer closes its connection, so that callers come to another instance with their next request;
  // nothing else changes.
  void send_away() noexcept { sending_away_ = true; }
  // The same, and idle connections are closed at once; those that have not asked for anything yet get a moment to do
  // so.
  void drain() noexcept;
  // Ends every connection, in the middle of whatever it does.
  void abort() noexcept;

  // Any thread.
  std::size_t connections() const noexcept { return open_.load(std::memory_order_relaxed); }
  std::size_t busy() const noexcept {
    return busy_.load(std::memory_order_relaxed) + postponed_.load(std::memory_order_relaxed);
  }

 private:
  struct peer : boost::intrusive::list_base_hook<> {
    peer(server& owner, transport::channel& c) noexcept;
    ~peer();
    peer(const peer&) = delete;
    peer& operator=(const peer&) = delete;
    server& owner;
    transport::channel& channel;
    bool idle = false;
    bool fresh = true;  // it has not asked for anything yet
    time::instant idle_until{};
  };
  class lease;
  // A handshake under way.
  struct shaking : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    shaking(server& owner, transport::readiness& r, transport::watchdog& g) noexcept;
    ~shaking();
    shaking(const shaking&) = delete;
    shaking& operator=(const shaking&) = delete;
    void give_up() noexcept;
    void limit(time::instant end);  // on its time, which never becomes longer
    server& owner;
    transport::readiness& ready;
    transport::watchdog& guard;
    time::instant until{};
  };

  transport::task<> serve(std::unique_ptr<transport::channel> connection, admission::connection_ledger::entry counted);
  transport::task<> turn_away(std::unique_ptr<transport::channel> connection, errors::failure why);
  // Not inlined: its frame, which is large, would become a part of every connection's.
  [[gnu::noinline]] transport::task<std::unique_ptr<transport::channel>> secure(
      std::unique_ptr<transport::channel> plain, transport::watchdog& guard,
      std::unique_ptr<caller_certificate>& shown);
  transport::task<> part(std::unique_ptr<tls::stream> failed, transport::watchdog& guard);
  [[gnu::noinline]] transport::task<bool> wait_for(postponed& what, transport::channel& connection);
  void note_departure(postponed& what);
  friend class conversation;
  void begin(exchange& x, std::string_view request_id);
  std::string_view date();

  transport::loop& loop_;
  handler& handler_;
  server_options options_;
  random::source& random_;
  boost::intrusive::list<peer> peers_;
  boost::intrusive::list<shaking, boost::intrusive::constant_time_size<false>> handshakes_;  // the oldest first
  std::size_t handshakes_under_way_ = 0;
  std::vector<std::unique_ptr<exchange>> spare_;
  // Where bytes of callers arrive, before there is memory for as many.
  static constexpr std::size_t most_read = std::size_t{16} * 1024;
  const std::unique_ptr<char[]> arriving_ = std::make_unique<char[]>(most_read);
  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> busy_{0};
  std::atomic<std::size_t> postponed_{0};
  std::size_t turned_away_ = 0;  // who are being told so now
  bool sending_away_ = false;
  bool draining_ = false;
  std::string date_;
  std::chrono::seconds date_second_{0};
};

}  // namespace gateway::listener
