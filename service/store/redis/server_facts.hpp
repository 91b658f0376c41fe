#pragma once

#include <string>
#include <string_view>

namespace gateway::store::redis {

// What a server says of itself when a connection to it comes up.
struct server_facts {
  std::string run_id;  // a new one at every start of the server: what it had not written to disk may be gone
  std::string redis_version;

  friend bool operator==(const server_facts&, const server_facts&) = default;
};

// From the answer to INFO server; a field that is not there stays empty.
server_facts read_server_facts(std::string_view info);

}  // namespace gateway::store::redis
