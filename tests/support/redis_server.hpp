#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/program.hpp"

namespace gateway::support {

struct redis_options {
  bool tcp = false;  // also on a free port of 127.0.0.1
  // Also with TLS, on another free port: the server's certificate and its key, both PEM.
  std::string certificate_pem{};
  std::string key_pem{};
  std::string password{};                // of the default user
  std::vector<std::string> arguments{};  // further ones, as on the command line: {"--appendonly", "yes"}
};

// A redis-server of our own in a folder of its own, always on a Unix socket there; it writes nothing to disk unless
// told to. Only this very process is ever signalled, and it never outlives the test. Where it cannot be run the
// constructor throws std::runtime_error with all that it said.
class redis_server {
 public:
  explicit redis_server(redis_options wishes = {});

  std::string unix_path() const { return folder_.path("redis.sock"); }
  std::uint16_t port() const noexcept { return port_; }          // 0 without `tcp`
  std::uint16_t tls_port() const noexcept { return tls_port_; }  // 0 without a certificate
  const scratch_folder& folder() const noexcept { return folder_; }

  // In good order (SIGTERM), or not (SIGKILL). Waits for the end.
  void stop();
  void kill();
  // On the same socket and ports, with what it has on disk. Waits until it answers, unless told not to.
  void start(bool wait = true);
  // Stands still (SIGSTOP): the kernel still accepts connections and bytes for it.
  void pause();
  void resume();

  // A command over a connection of its own, the answer as text (arrays line by line); throws where there is none. An
  // error reply is an answer.
  std::string ask(const std::vector<std::string>& words) const;

 private:
  bool answers() const;
  std::vector<std::string> command_line() const;

  redis_options wishes_;
  scratch_folder folder_;
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
  std::optional<program> running_;
};

}  // namespace gateway::support
