#pragma once

#include <string_view>

#include "store/redis/script.hpp"

namespace gateway::store {

// The Lua scripts of the shared ledger (store/lua): what each is given and answers stands at its head. Made once.
struct ledger_scripts {
  // `clock`: the expression for the server's time, a pair of seconds and microseconds. Throws as redis::script does.
  explicit ledger_scripts(std::string_view clock = "redis.call('TIME')");

  redis::script reserve;
  redis::script take_back;
  redis::script slot;
  redis::script pause;
  redis::script upload;
  redis::script lose;
  redis::script lease;
};

}  // namespace gateway::store
