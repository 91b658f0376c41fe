#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "socket/started.hpp"
#include "support/redis_server.hpp"

namespace gateway::chaos_tests {

inline constexpr std::size_t replicas = 3;

// A simulator, a Redis that appends to its file, and replicas of the gateway that share it.
class cluster {
 public:
  // `account`: lines of the account's configuration.
  explicit cluster(std::string account);

  socket_tests::running_simulator podero;
  support::redis_server redis;

  // Where a replica serves; 0 while it does not. Any thread.
  unsigned short port(std::size_t replica) const noexcept { return ports_[replica].load(); }

  // SIGKILL, and a new one in its place.
  void replace(std::size_t replica);
  // SIGTERM, which must end well; then its successor.
  void renew(std::size_t replica);
  // SIGTERM for all.
  void stop();

  // A series of a replica's metrics.
  double metric(std::size_t replica, const std::string& series) const;
  // The whole page: series of one page belong together, those of two need not.
  std::string metrics(std::size_t replica) const;

 private:
  struct running {
    running(const std::string& configuration);
    support::scratch_folder folder;
    support::program process;
    unsigned short api = 0;
    unsigned short admin = 0;
    std::optional<socket_tests::recorded_port> recorded = {};
  };
  std::string configuration() const;
  void start(std::size_t replica);
  void end(std::size_t replica);

  support::scratch_folder folder_;
  std::string account_;
  std::array<std::unique_ptr<running>, replicas> running_;
  std::array<std::atomic<unsigned short>, replicas> ports_{};
};

}  // namespace gateway::chaos_tests
