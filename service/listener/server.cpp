#include "listener/server.hpp"

#include "foundation/time/http_date.hpp"
#include "listener/conversation.hpp"

namespace gateway::listener {

using transport::interest;
using transport::task;
using transport::wake;

namespace {

constexpr std::size_t most_spare = 256;       // exchanges kept for the next burst
constexpr std::size_t most_turned_away = 16;  // with an answer, at once
constexpr std::size_t most_kept = 64 * 1024;  // of memory in one of them

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
    if (owner_.spare_.size() >= most_spare) return;
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
  peer self{*this, *connection};
  transport::watchdog guard{connection->ready()};
  auto idle_until = loop_.now() + options_.idle_timeout;
  for (;;) {
    bool keep = false;
    {
      lease x{*this};
      conversation talk{*this, *connection, guard, *x};
      keep = co_await talk.run();
      // Only a request earns more time: not empty lines, and not a wake-up for nothing.
      if (talk.answered()) idle_until = loop_.now() + options_.idle_timeout;
    }
    if (!keep || draining_) break;
    guard.set(loop_.deadlines(), idle_until);
    self.idle = true;
    const auto woken = co_await connection->ready().wait(interest::read);
    self.idle = false;
    if (woken != wake::ready) break;
  }
  connection->finish();
}

task<> server::turn_away(std::unique_ptr<transport::channel> connection, errors::failure why) {
  struct count {
    std::size_t& of;
    explicit count(std::size_t& cell) : of{cell} { ++of; }
    ~count() { --of; }
  } while_told{turned_away_};
  transport::watchdog guard{connection->ready()};
  lease x{*this};
  conversation talk{*this, *connection, guard, *x};
  co_await talk.refuse(why);
}

void server::drain() noexcept {
  draining_ = true;
  for (auto& p : peers_)
    if (p.idle) p.channel.ready().interrupt(wake::cancelled);
}

void server::abort() noexcept {
  draining_ = true;
  for (auto& p : peers_) p.channel.ready().interrupt(wake::cancelled);
}

void server::begin(exchange& x, std::string_view request_id) {
  x.request_id = trace::keep_or_make(request_id, random_);
}

std::string_view server::date() {
  const auto now = std::chrono::floor<std::chrono::seconds>(loop_.clock().wall_now());
  if (now.time_since_epoch() != date_second_ || date_.empty()) {
    date_second_ = now.time_since_epoch();
    date_ = time::http_date(now);
  }
  return date_;
}

}  // namespace gateway::listener
