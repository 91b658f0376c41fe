#include "store/durability.hpp"

#include <doctest/doctest.h>

using namespace gateway::store;

TEST_CASE("a server that appends and evicts nothing is safe") {
  const auto found = read_durability("# Persistence\r\nloading:0\r\naof_enabled:1\r\n",
                                     "# Memory\r\nmaxmemory:1048576\r\nmaxmemory_policy:noeviction\r\n");
  CHECK(found.appends);
  CHECK_FALSE(found.evicts);
}

TEST_CASE("a server that forgets at a restart, or when memory is short, is not") {
  CHECK_FALSE(read_durability("aof_enabled:0\r\n", "").appends);
  CHECK(read_durability("", "maxmemory:1048576\r\nmaxmemory_policy:allkeys-lru\r\n").evicts);
  // Its memory has no limit.
  CHECK_FALSE(read_durability("", "maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n").evicts);
}

TEST_CASE("what a server does not say is taken to be right") {
  const auto found = read_durability("", "");
  CHECK(found.appends);
  CHECK_FALSE(found.evicts);
}
