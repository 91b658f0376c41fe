#pragma once

#include <boost/json/value.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gateway::socket_tests {

// A collector of traces on loopback: takes POST requests over kept connections, keeps their bodies, and answers as it
// is told to.
class collector {
 public:
  enum class manner : std::uint8_t { accepts, refuses_with_500, busy, hangs, hangs_up };

  explicit collector(unsigned short port = 0);  // 0: any
  ~collector();
  collector(const collector&) = delete;
  collector& operator=(const collector&) = delete;

  unsigned short port() const noexcept { return port_; }
  std::string yaml(std::string_view more = "") const {
    return "tracing: { endpoint: \"http://127.0.0.1:" + std::to_string(port_) + "/v1/traces\"" + std::string{more} +
           " }\n";
  }
  void behave(manner how) noexcept { manner_.store(how); }

  // How many requests came, whatever was answered.
  int asked() const noexcept { return asked_.load(); }
  // Bodies of the requests that were accepted.
  std::string accepted_text() const;
  // Their spans. Throws where a body is not what OTLP says.
  std::vector<boost::json::object> spans() const;
  // Heads of all requests.
  std::string heads() const;

 private:
  void serve();
  void converse(int with);
  bool ending(int descriptor) const;  // waits for something to read; true: it is time to end

  int listening_ = -1;
  int stop_[2] = {-1, -1};
  unsigned short port_ = 0;
  std::atomic<manner> manner_{manner::accepts};
  std::atomic<int> asked_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> accepted_;
  std::string heads_;
  std::thread thread_;
};

}  // namespace gateway::socket_tests
