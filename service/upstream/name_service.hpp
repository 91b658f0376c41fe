#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "foundation/transport/parking.hpp"
#include "upstream/target.hpp"

namespace gateway::upstream {

using addresses = std::expected<std::vector<transport::endpoint>, std::string>;

// The system's resolver on a thread of its own: getaddrinfo blocks, for seconds when name servers are away, and nothing
// that serves requests may wait for it there.
class lookup_thread {
 public:
  using handler = std::function<void(addresses)>;

  lookup_thread();
  ~lookup_thread();  // waits for the lookup under way
  lookup_thread(const lookup_thread&) = delete;
  lookup_thread& operator=(const lookup_thread&) = delete;

  // Any thread. `done` runs on the lookup thread.
  void look_up(std::string host, std::uint16_t port, handler done);

 private:
  struct job {
    std::string host;
    std::uint16_t port;
    handler done;
  };
  void work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<job> jobs_;
  bool ending_ = false;
  std::thread thread_;
};

// One loop's view of names. Answers from what it knows and refreshes in the background; the last good set is kept when
// a lookup fails, however long.
class name_service final : public resolver {
 public:
  name_service(transport::loop& loop, lookup_thread& lookups, time::duration fresh_for = std::chrono::seconds{30})
      : loop_{loop}, lookups_{lookups}, fresh_for_{fresh_for} {}

  transport::task<addresses> resolve(const std::string& host, std::uint16_t port, time::instant deadline) override;

 private:
  struct entry {
    std::vector<transport::endpoint> good;
    std::string failure;
    time::instant asked_at{};
    bool asking = false;
    std::deque<transport::parking*> waiting;
  };
  void ask(const std::string& host, std::uint16_t port, entry& about);
  void learn(entry& about, addresses found);

  transport::loop& loop_;
  lookup_thread& lookups_;
  time::duration fresh_for_;
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
