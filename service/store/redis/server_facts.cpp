#include "store/redis/server_facts.hpp"

namespace gateway::store::redis {

server_facts read_server_facts(std::string_view info) {
  server_facts found;
  while (!info.empty()) {
    const auto line = info.substr(0, info.find("\r\n"));
    info.remove_prefix(line.size() == info.size() ? line.size() : line.size() + 2);
    constexpr std::string_view run_id = "run_id:";
    constexpr std::string_view redis_version = "redis_version:";
    if (line.starts_with(run_id)) found.run_id = line.substr(run_id.size());
    if (line.starts_with(redis_version)) found.redis_version = line.substr(redis_version.size());
  }
  return found;
}

}  // namespace gateway::store::redis
