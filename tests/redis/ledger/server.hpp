#pragma once

#include <hiredis/hiredis.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "store/ledger_scripts.hpp"
#include "store/redis/trouble.hpp"
#include "support/redis_server.hpp"

namespace gateway::store {

using strings = std::vector<std::string>;

// A real server whose clock the scripts do not ask: they are rendered to read what the test sets. Calls are made
// synchronously, in the test's own thread.
class scripted_redis {
 public:
  scripted_redis();

  std::int64_t now = 1'700'000'000'000'000;  // µs
  std::string run_id = "run-1";
  const ledger_scripts scripts;

  redis::outcome run(const redis::script& what, const strings& keys, const strings& arguments);
  redis::reply ask(const strings& words) const;
  void flush() const { ask({"FLUSHALL"}); }

 private:
  struct closing {
    void operator()(redisContext* context) const noexcept { redisFree(context); }
  };
  support::redis_server server_;
  std::unique_ptr<redisContext, closing> connection_;
};

struct slots_asked {
  int total = 0;
  std::int64_t time_to_live = 900'000'000;  // µs
  int own_most = -1;
};

// Calls of the scripts as a replica would make them, with literals. Instants are microseconds from the server's first.
class by_hand {
 public:
  explicit by_hand(scripted_redis& on) : redis{on}, start{on.now} {}

  struct ring {
    std::string name;
    std::string windows;  // "RATE/PER/STRETCH,..." in microseconds
    std::string paced{};
    std::string generation = "-";
    std::int64_t appended = 0;
  };
  redis::reply reserve(const std::vector<ring>& rings, const strings& ids, slots_asked slots = {},
                       const std::string& caller = "portal", const std::string& account = "sandbox");
  redis::reply take_back(const strings& rings, const strings& entries_and_slots);
  redis::reply slot(const strings& words) { return call(redis.scripts.slot, {}, words); }
  redis::reply pause(const strings& words) { return call(redis.scripts.pause, {}, words); }
  redis::reply call(const redis::script& what, const strings& rings, const strings& own);

  std::string key(const std::string& ring) const { return "gw:{demo}:w:" + ring; }
  std::int64_t at() const { return redis.now - start; }
  void to(std::int64_t instant) const { redis.now = start + instant; }
  // Of a reserve's reply.
  std::vector<std::int64_t> granted(const redis::reply& of) const;
  std::int64_t next(const redis::reply& of) const { return of[3][0].number().value_or(0) - start; }
  std::string entry(std::int64_t instant, const std::string& id) const {
    return std::to_string(start + instant) + ":" + id;
  }
  strings entries(const std::string& ring) const;

  scripted_redis& redis;
  const std::int64_t start;
  std::int64_t cap = 60'000'000;
  std::int64_t reach = 100'000;
  std::string fresh = "epoch-1";
  std::string epoch = "-";
  std::string changes = "-";
};

}  // namespace gateway::store
