#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "store/redis/command.hpp"
#include "store/redis/place.hpp"
#include "store/redis/server_facts.hpp"
#include "store/redis/trouble.hpp"

namespace gateway::store::redis {

// What is said first on every connection, in one write, and what the answers mean. The server's ACL must allow AUTH,
// SELECT, INFO and PING; CLIENT SETNAME may be forbidden.
class handshake {
 public:
  handshake(const credentials& who, unsigned database, const std::string& client_name);

  const std::vector<command>& commands() const noexcept { return commands_; }
  std::vector<command> take_commands() noexcept { return std::move(commands_); }
  // One outcome per command. The error names the step and of the server's answer only the code.
  std::expected<server_facts, std::string> judge(std::span<const outcome> answers) const;

 private:
  enum class step : std::uint8_t { auth, select, set_name, info, ping };
  void add(step what, command how);

  std::vector<step> steps_;
  std::vector<command> commands_;
};

}  // namespace gateway::store::redis
