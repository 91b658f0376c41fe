#include "listener/server.hpp"

#include <algorithm>
#include <array>

#include "foundation/secrets/secret.hpp"
#include "foundation/time/http_date.hpp"
#include "listener/conversation.hpp"
#include "listener/departure_watch.hpp"

namespace gateway::listener {

using transport::interest;
using transport::task;
using transport::wake;

namespace {

constexpr std::size_t most_spare = 256;       // exchanges kept for the next burst
constexpr std::size_t most_turned_away = 16;  // with an answer, at once
constexpr std::size_t most_kept = 16 * 1024;  // of memory in one of them
constexpr auto time_to_hear = std::chrono::seconds{1};
constexpr std::size_t most_discarded = 64 * 1024;
// Who has just connected was about to ask: it gets that long when the gateway ends.
constexpr time::duration first_request_at_the_end = std::chrono::milliseconds{500};

void trim(exchange& x) {
  for (auto* text : {&x.input, &x.collected, &x.following, &x.output, &x.reply.body})
    if (text->capacity() > most_kept) std::string{}.swap(*text);
}

}  // namespace

server::peer::peer(server& of, transport::channel& c) noexcept : owner{of}, channel{c} {
  owner.peers_.push_back(*this);
  owner.open_.store(owner.peers_.size(), std::memory_order_relaxed);
}
server::peer::~peer() {
  owner.peers_.erase(owner.peers_.iterator_to(*this));
  owner.open_.store(owner.peers_.size(), std::memory_order_relaxed);
}

server::shaking::shaking(server& of, transport::readiness& r, transport::watchdog& g) noexcept
    : owner{of}, ready{r}, guard{g}, until{time::instant::max()} {
  if (owner.handshakes_under_way_ >= owner.options_.tls.most_handshakes && !owner.handshakes_.empty())
    owner.handshakes_.front().give_up();
  owner.handshakes_.push_back(*this);
  ++owner.handshakes_under_way_;
}
server::shaking::~shaking() {
  if (is_linked()) --owner.handshakes_under_way_;
}
void server::shaking::give_up() noexcept {
  unlink();
  --owner.handshakes_under_way_;
  ready.interrupt(wake::cancelled);
}
void server::shaking::limit(time::instant end) {
  until = std::min(until, end);
  guard.set(owner.loop_.deadlines(), until);
}

// An exchange, for as long as a connection has a request.
class server::lease {
 public:
  explicit lease(server& from) : owner_{from} {
    if (owner_.spare_.empty()) {
      exchange_ = std::make_unique<exchange>();
      exchange_->scratch = owner_.handler_.make_scratch();
    } else {
      exchange_ = std::move(owner_.spare_.back());
      owner_.spare_.pop_back();
    }
    exchange_->input.clear();
    exchange_->following.clear();
  }
  ~lease() {
    secrets::wipe(exchange_->input);
    if (owner_.spare_.size() >= most_spare) return;
    exchange_->certificate = nullptr;
    exchange_->connection = nullptr;
    trim(*exchange_);
    owner_.spare_.push_back(std::move(exchange_));
  }
  lease(const lease&) = delete;
  lease& operator=(const lease&) = delete;
  exchange& operator*() noexcept { return *exchange_; }

 private:
  server& owner_;
  std::unique_ptr<exchange> exchange_;
};

server::server(transport::loop& loop, handler& serves, server_options options, random::source& randomness)
    : loop_{loop}, handler_{serves}, options_{options}, random_{randomness} {
  spare_.reserve(most_spare);
}

void server::accept(std::unique_ptr<transport::channel> connection) {
  admission::connection_ledger::entry counted;
  if (options_.connections == nullptr) return loop_.spawn(serve(std::move(connection), std::move(counted)));
  auto entered = options_.connections->enter(connection->peer_address());
  if (entered)
    loop_.spawn(serve(std::move(connection), std::move(*entered)));
  else if (turned_away_ < most_turned_away)
    loop_.spawn(turn_away(std::move(connection), std::move(entered.error())));
}

task<> server::serve(std::unique_ptr<transport::channel> connection, admission::connection_ledger::entry counted) {
  const auto until_it_ends = std::move(counted);
  std::unique_ptr<caller_certificate> certificate;
  peer self{*this, *connection};
  transport::watchdog guard{connection->ready()};
  if (options_.tls.context) {
    connection = co_await secure(std::move(connection), guard, certificate);
    if (!connection) co_return;
  }
  self.idle_until = loop_.now() + (draining_ ? first_request_at_the_end : options_.idle_timeout);
  std::unique_ptr<postponed> later;
  for (;;) {
    bool keep = false;
    {
      lease x{*this};
      (*x).certificate = certificate.get();
      conversation talk{*this, *connection, guard, *x};
      keep = co_await talk.run(std::move(later));
      later = std::move((*x).later);
      // Only a request earns more time: not empty lines, and not a wake-up for nothing.
      if (talk.answered()) {
        self.fresh = false;
        self.idle_until = loop_.now() + options_.idle_timeout;
      }
    }
    if (later) {
      const bool stayed = co_await wait_for(*later, *connection);
      if (stayed) continue;
      note_departure(*later);
      break;
    }
    if (!keep || (draining_ && !self.fresh)) break;
    self.idle = true;
    guard.set(loop_.deadlines(), self.idle_until);
    auto woken = co_await connection->ready().wait(interest::read);
    if (woken == wake::timed_out && loop_.now() < self.idle_until) {  // the drain has begun, and left it less time
      guard.set(loop_.deadlines(), self.idle_until);
      woken = co_await connection->ready().wait(interest::read);
    }
    self.idle = false;
    if (woken != wake::ready) break;
  }
  connection->finish();
}

// False: the caller has left.
task<bool> server::wait_for(postponed& what, transport::channel& connection) {
  struct count {
    std::atomic<std::size_t>& of;
    explicit count(std::atomic<std::size_t>& cell) : of{cell} { of.fetch_add(1, std::memory_order_relaxed); }
    ~count() { of.fetch_sub(1, std::memory_order_relaxed); }
    count(const count&) = delete;
    count& operator=(const count&) = delete;
  } const while_waiting{postponed_};
  transport::departure left;
  const departure_watch watching{connection.ready(), left, loop_.ready()};
  auto waiting = what.wait();
  const auto waited = co_await transport::unless_gone(std::move(waiting), &left);
  co_return waited.has_value();
}

// Nobody reads this answer. Logs and metrics tell of it, as of every request.
void server::note_departure(postponed& what) {
  lease x{*this};
  what.restore(*x);
  answer_with(*x, caller_left());
  mark_abandoned(*x);
  handler_.on_done(*x, loop_.clock().now() - (*x).began);
}

// TLS over that connection, or nothing: then the caller has been told, as far as it can be.
task<std::unique_ptr<transport::channel>> server::secure(std::unique_ptr<transport::channel> plain,
                                                         transport::watchdog& guard,
                                                         std::unique_ptr<caller_certificate>& shown) {
  shaking place{*this, plain->ready(), guard};
  const auto generation = options_.tls.context->generation();
  auto accepted = options_.tls.context->accept();
  if (!accepted) co_return nullptr;
  auto secured = std::make_unique<tls::stream>(std::move(plain), std::move(accepted));
  place.limit(loop_.now() + (draining_ ? first_request_at_the_end : options_.head_timeout));
  const auto shaken = co_await secured->handshake();
  options_.tls.observer->shaken(secured->ended(), shaken && secured->resumed(), shaken ? "" : shaken.error(), *secured);
  if (!shaken) {
    co_await part(std::move(secured), guard);
    co_return nullptr;
  }
  guard.stop();
  shown = caller_certificate::of(*secured, generation, options_.tls.context);
  co_return std::move(secured);
}

task<> server::part(std::unique_ptr<tls::stream> failed, transport::watchdog& guard) {
  const auto how = failed->ended();
  auto plain = failed->give_back();
  if (how == tls::handshake_end::plain_http) {
    lease x{*this};
    errors::failure f;
    f.id = errors::problem::malformed_request;
    f.detail = "This port speaks TLS only: use https.";
    conversation talk{*this, *plain, guard, *x};
    co_await talk.refuse(f);
    co_return;
  }
  if (how != tls::handshake_end::failed && how != tls::handshake_end::refused_certificate) co_return;
  // Closing at once with unread bytes would reset the connection under the alert that says why.
  plain->finish();
  guard.set(loop_.deadlines(), loop_.now() + time_to_hear);
  std::array<char, 4096> unread;
  for (std::size_t discarded = 0; discarded < most_discarded;) {
    const auto got = plain->try_read(unread);
    discarded += got.bytes;
    if (got.status == transport::io_status::done) continue;
    if (got.status != transport::io_status::want_read) co_return;
    const auto woken = co_await plain->ready().wait(interest::read);
    if (woken != wake::ready) co_return;
  }
}

task<> server::turn_away(std::unique_ptr<transport::channel> connection, errors::failure why) {
  struct count {
    std::size_t& of;
    explicit count(std::size_t& cell) : of{cell} { ++of; }
    ~count() { --of; }
  } while_told{turned_away_};
  transport::watchdog guard{connection->ready()};
  if (options_.tls.context) {
    std::unique_ptr<caller_certificate> unimportant;
    connection = co_await secure(std::move(connection), guard, unimportant);
    if (!connection) co_return;
  }
  lease x{*this};
  conversation talk{*this, *connection, guard, *x};
  co_await talk.refuse(why);
}

void server::drain() noexcept {
  sending_away_ = true;
  draining_ = true;
  const auto last_moment = loop_.now() + first_request_at_the_end;
  for (auto& p : peers_) {
    if (p.fresh) p.idle_until = std::min(p.idle_until, last_moment);
    if (p.idle) p.channel.ready().interrupt(p.fresh ? wake::timed_out : wake::cancelled);
  }
  for (auto& h : handshakes_) h.limit(last_moment);
}

void server::abort() noexcept {
  sending_away_ = true;
  draining_ = true;
  for (auto& p : peers_) p.channel.ready().interrupt(wake::cancelled);
}

void server::begin(exchange& x, std::string_view request_id) {
  x.request_id = trace::keep_or_make(request_id, random_);
}

std::string_view server::date() {
  const auto now = std::chrono::floor<std::chrono::seconds>(loop_.wall_now());
  if (now.time_since_epoch() != date_second_ || date_.empty()) {
    date_second_ = now.time_since_epoch();
    date_ = time::http_date(now);
  }
  return date_;
}

}  // namespace gateway::listener
