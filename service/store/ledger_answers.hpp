#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/ledger.hpp"
#include "store/redis/reply.hpp"
#include "store/server_clock.hpp"

namespace gateway::store {

// What the scripts answer (store/lua), taken apart. What is not as it must be is no answer.

// How every answer begins.
struct answer_head {
  server_instant now = 0;
  std::string epoch{};
};
std::optional<answer_head> read_head(const redis::reply& from);

struct ring_news {
  std::string generation{};
  std::int64_t appended = 0;
  bool all = false;   // the stamps are its first; else those that followed what was known
  bool more = false;  // and not yet its last
  server_instant unknown_before = 0;
  std::vector<server_instant> stamps{};
};

struct slot_news {
  std::uint64_t id = 0;
  std::string account{};
  std::string session{};
  server_instant since = 0;
  server_instant until = 0;
  std::vector<std::string> holders{};
};

struct pace_news {
  server_instant until = 0;
  double worst = 1.0;
};

struct next_permit {
  server_instant at = 0;
  binding::by what = binding::by::nothing;
  std::size_t ring = 0;      // of those asked for
  std::uint32_t window = 0;  // of the ring's; another version's counts as its first
};

struct reserve_answer {
  answer_head head{};
  std::vector<server_instant> granted{};
  std::optional<next_permit> next{};
  std::vector<ring_news> rings{};
  std::vector<pace_news> paces{};
  std::string changes{};
  std::optional<std::vector<slot_news>> slots{};
};
// `rings` and `accounts`: how many were asked for.
std::optional<reserve_answer> read_reserve(const redis::reply& from, std::size_t rings, std::size_t accounts);

}  // namespace gateway::store
