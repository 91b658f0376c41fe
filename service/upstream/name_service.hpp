#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "foundation/transport/parking.hpp"
#include "upstream/target.hpp"

namespace gateway::upstream {

using addresses = std::expected<std::vector<transport::endpoint>, std::string>;

// Where lookups are done. Tests put one there that answers when they say so.
class lookup_source {
 public:
  using handler = std::function<void(addresses)>;

  virtual ~lookup_source() = default;
  // Any thread. `done` is called once at most, on any thread, perhaps long after whoever asked has gone.
  virtual void look_up(std::string host, std::uint16_t port, handler done) = 0;
};

// The system's resolver. getaddrinfo blocks, for seconds when name servers are away: so each name is looked up on a
// thread of its own. Nothing that serves requests waits there, and no account for another one's name servers. Of a host
// and port there is one lookup at a time; whoever asks meanwhile, on any loop, hears its outcome.
class system_lookups final : public lookup_source {
 public:
  using function = std::function<addresses(const std::string& host, std::uint16_t port)>;
  // More names than that stand in line.
  static constexpr std::size_t most_threads = 8;

  system_lookups();
  // Another function than the system's, which may block as well and be called on several threads.
  explicit system_lookups(function ask, std::size_t most = most_threads);
  // Waits for nothing. Who has not been told hears nothing more; lookups under way end by themselves, later.
  ~system_lookups() override;
  system_lookups(const system_lookups&) = delete;
  system_lookups& operator=(const system_lookups&) = delete;

  void look_up(std::string host, std::uint16_t port, handler done) override;

 private:
  struct shared;
  static void work(shared& with);

  std::shared_ptr<shared> shared_;
};

// One loop's view of names. Answers from what it knows and refreshes in the background; the last good set is kept when
// a lookup fails, however long.
class name_service final : public resolver {
 public:
  name_service(transport::loop& loop, lookup_source& lookups, time::duration fresh_for = std::chrono::seconds{30})
      : lookups_{lookups}, fresh_for_{fresh_for}, loop_{loop} {}
  ~name_service() override;
  name_service(const name_service&) = delete;
  name_service& operator=(const name_service&) = delete;

  transport::task<addresses> resolve(const std::string& host, std::uint16_t port, time::instant deadline) override;

 private:
  struct entry {
    std::vector<transport::endpoint> good;
    std::string failure;
    time::instant asked_at{};
    bool asking = false;
    std::deque<transport::parking*> waiting;
  };
  // Through it a lookup's thread reaches the loop; closed when the service goes, for a lookup may outlive loop and all.
  struct door {
    explicit door(transport::loop& to) noexcept : loop{&to} {}
    std::mutex mutex;
    transport::loop* loop;
  };
  void ask(const std::string& host, std::uint16_t port, entry& about);
  void learn(entry& about, addresses found);

  lookup_source& lookups_;
  time::duration fresh_for_;
  transport::loop& loop_;
  std::shared_ptr<door> door_ = std::make_shared<door>(loop_);
  std::map<std::pair<std::string, std::uint16_t>, entry> entries_;
};

// Like curl --resolve: some names lead where the configuration says; the rest is asked of another resolver.
class override_resolver final : public resolver {
 public:
  struct rule {
    std::string host;
    std::uint16_t port = 0;  // 0: any
    boost::asio::ip::address address;
    std::uint16_t to_port = 0;  // 0: the same port
  };
  override_resolver(std::vector<rule> rules, resolver& otherwise) : rules_{std::move(rules)}, otherwise_{otherwise} {}

  transport::task<addresses> resolve(const std::string& host, std::uint16_t port, time::instant deadline) override;

 private:
  std::vector<rule> rules_;
  resolver& otherwise_;
};

}  // namespace gateway::upstream
