#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "foundation/transport/parking.hpp"
#include "upstream/connection_budget.hpp"
#include "upstream/target.hpp"

namespace gateway::upstream {

struct pool_options {
  time::duration idle_timeout = std::chrono::seconds{50};
  time::duration max_age = std::chrono::minutes{10};
};

// The open connections of one account on one loop. Last used, first reused; an idle connection is watched, so that a
// close by the server is seen at once; a connection that becomes free is handed to whoever waits longest.
class pool final : private connection_budget::member {
  class connection;
  struct connection_deleter {
    void operator()(connection* c) const noexcept;
  };
  using connection_ptr = std::unique_ptr<connection, connection_deleter>;
  struct waiter;

 public:
  // A connection for one exchange. Destroying it closes the connection, unless `keep` was said.
  class lease {
   public:
    lease() = default;
    lease(lease&& other) noexcept;
    lease& operator=(lease&& other) noexcept;
    ~lease();

    explicit operator bool() const noexcept { return connection_ != nullptr; }
    transport::channel& channel() noexcept;
    // It carried an exchange before: it may have gone stale.
    bool reused() const noexcept;
    // The exchange ended well: the connection goes back to the pool.
    void keep() noexcept { keep_ = true; }

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
  };

  // `uniform` gives numbers in [0, 1), for the jitter of ages. Everything given outlives the pool.
  pool(network net, upstream::target where, pool_options options, connection_budget& budget,
       std::function<double()> uniform);
  ~pool();

  // An idle connection, if there is one: the usual case, without waiting.
  lease take_idle() noexcept;
  // Waits for one, or opens one: until `deadline`, and opening until `connect_timeout` after it began.
  transport::task<std::expected<lease, error>> acquire(time::instant deadline, time::duration connect_timeout);

  counts count() const noexcept;
  // Closes what is idle now, and from now on what becomes idle.
  void close_idle() noexcept;
  const upstream::target& target() const noexcept { return target_; }

 private:
  void granted() override;
  void asked_to_yield() override;

  transport::task<std::expected<lease, error>> open(time::instant deadline);
  void put_back(connection_ptr c) noexcept;
  void discard(connection_ptr c) noexcept;
  void drop_idle(connection& c) noexcept;
  void use_grant() noexcept;
  bool worn_out(const connection& c) const noexcept;

  network net_;
  upstream::target target_;
  pool_options options_;
  connection_budget& budget_;
  std::function<double()> uniform_;
  std::vector<connection_ptr> idle_;
  std::deque<waiter*> waiters_;
  std::size_t open_ = 0;
  bool closing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what other loops post to this one
};

}  // namespace gateway::upstream
