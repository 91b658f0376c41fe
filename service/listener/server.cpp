#include "listener/server.hpp"

#include "foundation/time/http_date.hpp"
#include "listener/conversation.hpp"

namespace gateway::listener {

using transport::interest;
using transport::task;
using transport::wake;

namespace {

constexpr std::size_t most_spare = 256;       // exchanges kept for the next burst
constexpr std::size_t most_kept = 16 * 1024;  // of memory in one of them

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
  if (peers_.size() >= options_.most_connections)
    loop_.spawn(turn_away(std::move(connection)));
  else
    loop_.spawn(serve(std::move(connection)));
}

task<> server::serve(std::unique_ptr<transport::channel> connection) {
  peer self{*this, *connection};
  transport::watchdog guard{connection->ready()};
  for (;;) {
    bool keep = false;
    {
      lease x{*this};
      conversation talk{*this, *connection, guard, *x};
      keep = co_await talk.run();
    }
    if (!keep || draining_) break;
    guard.set(loop_.deadlines(), loop_.now() + options_.idle_timeout);
    self.idle = true;
    const auto woken = co_await connection->ready().wait(interest::read);
    self.idle = false;
    if (woken != wake::ready) break;
  }
  connection->finish();
}

task<> server::turn_away(std::unique_ptr<transport::channel> connection) {
  transport::watchdog guard{connection->ready()};
  lease x{*this};
  errors::failure f;
  f.id = errors::problem::overloaded;
  f.detail = "There are too many connections.";
  f.decision = errors::decision{errors::guard::overload, "connections", {}, {}};
  f.retry_after = std::chrono::seconds{1};
  conversation talk{*this, *connection, guard, *x};
  co_await talk.refuse(f);
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
