#pragma once

#include <vector>

#include "store/redis/link.hpp"
#include "store/redis/script.hpp"

namespace gateway::store::redis {

struct client_options {
  link_options link;
  // How long one command, script or batch is waited for, unless the caller's deadline comes earlier.
  time::duration command_timeout = std::chrono::milliseconds{100};
};

// The way to a Redis server: one connection per event loop, shared by all coroutines of that loop, reopened in the
// background. While there is none, commands fail at once with `unreachable`; none is ever repeated, as only the caller
// knows whether that is safe. Everything is for the loop's own thread; waiting coroutines do not outlive the client.
//
// A waiting task may be destroyed at any point. What was not written then never is; for the rest see trouble::written.
class client final : private link::user {
 public:
  struct parts {
    redis::network network;
    redis::place place;
    redis::identity identity;
    client_options options;
    std::function<double()> uniform;  // [0, 1), for the jitter of reconnects
    redis::observer& observer;
  };
  explicit client(parts given);

  // Once; begins to connect.
  void start() { link_.start(); }

  // What the connected server says of itself; null while there is no connection.
  const server_facts* server() const noexcept { return link_.facts(); }
  bool connected() const noexcept { return link_.connection() != nullptr; }

  transport::task<outcome> send(command what, time::instant deadline);
  // All in one write; one outcome per command, in their order. Not a transaction: others' commands may come between.
  transport::task<std::vector<outcome>> send_all(std::vector<command> batch, time::instant deadline);

  // Runs a script by its hash, and where the server does not know it (NOSCRIPT) once more by its source, within the
  // same deadline. The script outlives the task. An error raised within a script may come after a part of its effects.
  transport::task<outcome> run(script_call what, time::instant deadline);
  // All in one write; those whose script is unknown in a second one, so after the others.
  transport::task<std::vector<outcome>> run_all(std::vector<script_call> batch, time::instant deadline);

 private:
  void up(connection&) override {}
  void down() noexcept override {}
  time::instant limit(time::instant deadline) const noexcept;
  void note(std::string_view name, time::instant since, const outcome& what) const noexcept;

  time::duration command_timeout_;
  link link_;
};

}  // namespace gateway::store::redis
