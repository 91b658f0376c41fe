#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "foundation/transport/parking.hpp"
#include "upstream/connection_budget.hpp"
#include "upstream/connection_source.hpp"
#include "upstream/demand.hpp"
#include "upstream/idle_limit.hpp"
#include "upstream/pooled_connection.hpp"
#include "upstream/target.hpp"

namespace gateway::upstream {

// Hears what becomes of a pool's connections. On the pool's loop; it must not call the pool.
class pool_observer {
 public:
  virtual ~pool_observer() = default;
  virtual void opened() noexcept = 0;
  virtual void open_failed(std::string_view reason) noexcept = 0;
  virtual void closed(close_reason why) noexcept = 0;
};

struct pool_options {
  // Both are cut by up to a tenth at random, so that what was opened together does not end together.
  time::duration idle_timeout = std::chrono::seconds{50};
  time::duration max_age = std::chrono::minutes{10};
  // Ahead of need: so many, where the peak of the window needed as many.
  std::size_t ready_connections = 2;
  time::duration peak_window = std::chrono::minutes{1};
  pool_observer* observer = nullptr;
};

// The open connections of one account on one loop. Last used, first reused; an idle connection is watched, so that a
// close by the server is seen at once. Opening belongs to the pool: whoever waits longest gets what becomes free first,
// a connection that was opened or one that comes back, and a connection whose requester has left is there for the next.
class pool final : private connection_budget::member, private pooled_connection::keeper, private time::deadline {
  using connection_ptr = std::unique_ptr<pooled_connection>;
  struct waiter;
  struct opening;

 public:
  // A connection for one exchange. Destroying it closes the connection, unless `keep` was said.
  class lease {
   public:
    lease() = default;
    lease(lease&& other) noexcept;
    lease& operator=(lease&& other) noexcept;
    ~lease();

    explicit operator bool() const noexcept { return connection_ != nullptr; }
    transport::channel& channel() noexcept { return connection_->channel(); }
    // It carried an exchange before: it may have gone stale.
    bool reused() const noexcept { return connection_->used(); }
    // The exchange ended well: the connection goes back to the pool. `keeps_idle_for` is what the answer says of it.
    void keep(std::optional<std::chrono::seconds> keeps_idle_for = std::nullopt) noexcept;
    // Before the first byte, where it was held for a while: why it cannot be used any more. It is closed then, and
    // there is none.
    std::optional<close_reason> spoilt() noexcept;

   private:
    friend pool;
    lease(pool& owner, connection_ptr c) noexcept;
    void end() noexcept;

    pool* owner_ = nullptr;
    connection_ptr connection_;
    bool keep_ = false;
  };

  enum class failure : std::uint8_t { timed_out, unreachable };
  struct error {
    failure what;
    std::string reason;
  };

  struct counts {
    std::size_t idle;
    std::size_t busy;
    std::size_t waiting;
    std::size_t connecting;
  };

  // `uniform` gives numbers in [0, 1), for the jitter of ages. Everything given outlives the pool; leases and waiting
  // coroutines do not.
  pool(network net, upstream::target where, pool_options options, connection_budget& budget,
       std::function<double()> uniform);
  ~pool() override;

  // An idle connection, if there is one: the usual case, without waiting.
  lease take_idle() noexcept;
  bool has_idle() const noexcept { return !idle_.empty(); }
  // Waits for one until `deadline`; if one must be opened, that is given up `connect_timeout` after it began. The first
  // in line hears of a failure to open.
  transport::task<std::expected<lease, error>> acquire(time::instant deadline, time::duration connect_timeout);

  counts count() const noexcept;
  // How many connections those of the pool that are places on one share.
  std::size_t shared_connections() const noexcept { return source_.shared_connections(); }
  // How long a connection may rest: as configured, or less where the server was seen to close earlier.
  time::duration rest_limit() const noexcept { return idle_limit_.at(net_.loop.now()); }
  // Closes what is idle now, and from now on what becomes idle. Whoever waits is still served.
  void close_idle() noexcept;
  const upstream::target& target() const noexcept { return target_; }

 private:
  void granted() noexcept override;
  void asked_to_yield() noexcept override;
  void rested_enough(pooled_connection& c, close_reason why) noexcept override;
  void expired() override;  // a connection has become worth its opening

  lease lend(connection_ptr c) noexcept;
  void put_back(connection_ptr c) noexcept;
  bool offer(connection_ptr& c) noexcept;
  void yield_idle() noexcept;
  waiter* call_first() noexcept;
  void discard(connection_ptr c, close_reason why) noexcept;
  void learn_from_close(pooled_connection& c) noexcept;

  void balance();
  void prepare();
  void use_grant();
  void open(connection_budget::right right);
  void finished(opening& over);
  time::duration jittered(time::duration limit);

  network net_;
  upstream::target target_;
  pool_options options_;
  connection_source source_;
  connection_budget& budget_;
  std::function<double()> uniform_;
  idle_limit idle_limit_;
  recent_peak peak_;

  std::vector<connection_ptr> idle_;  // the last used last
  std::list<waiter*> waiters_;        // the longest waiting first; there may be thousands
  std::vector<std::unique_ptr<opening>> openings_;
  std::size_t busy_ = 0;
  std::size_t in_line_ = 0;  // rights that we wait for, those included that are on their way
  time::duration connect_timeout_ = std::chrono::seconds{2};  // as last asked for
  bool reachable_ = true;
  bool closing_ = false;

  std::atomic<std::size_t> grants_{0};                          // on their way from another loop
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what other loops post to this one
};

}  // namespace gateway::upstream
