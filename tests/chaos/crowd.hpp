#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "chaos/cluster.hpp"

namespace gateway::chaos_tests {

// Callers that ask all the time, each over whichever replica serves, and write down what they are told.
class crowd {
 public:
  static constexpr std::chrono::seconds wait{2};  // Prefer: wait

  crowd(const cluster& at, int callers);
  ~crowd();

  // No new requests; waits for the answers.
  void stop();

  struct seen {
    std::map<unsigned, int> statuses{};
    std::map<std::string, std::set<std::string>> sessions{};  // by idempotency key
    std::chrono::milliseconds longest{0};                     // of an answer
    int cut_off = 0;                                          // the replica died
    std::string unexpected{};                                 // an answer of a status that nobody reckoned with
  };
  // After `stop`.
  const seen& result() const noexcept { return seen_; }

 private:
  void ask(int caller);
  void note(const socket_tests::answer& got, const std::string& key, std::chrono::steady_clock::duration took);

  const cluster& at_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  seen seen_;
  std::vector<std::jthread> threads_;
};

}  // namespace gateway::chaos_tests
