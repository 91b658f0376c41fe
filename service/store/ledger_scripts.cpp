#include "store/ledger_scripts.hpp"

#include <string>

namespace gateway::store {

namespace lua {
extern const std::string_view common;
extern const std::string_view reserve;
extern const std::string_view take_back;
extern const std::string_view slot;
extern const std::string_view pause;
extern const std::string_view upload;
extern const std::string_view lose;
extern const std::string_view lease;
}  // namespace lua

namespace {

redis::script made(const char* name, std::string_view own, std::string_view clock) {
  constexpr std::string_view place = "@CLOCK@";
  std::string source{lua::common};
  source.replace(source.find(place), place.size(), clock);
  source += own;
  return redis::script{name, std::move(source)};
}

}  // namespace

ledger_scripts::ledger_scripts(std::string_view clock)
    : reserve{made("ledger_reserve", lua::reserve, clock)},
      take_back{made("ledger_take_back", lua::take_back, clock)},
      slot{made("ledger_slot", lua::slot, clock)},
      pause{made("ledger_pause", lua::pause, clock)},
      upload{made("ledger_upload", lua::upload, clock)},
      lose{made("ledger_lose", lua::lose, clock)},
      lease{made("ledger_lease", lua::lease, clock)} {}

}  // namespace gateway::store
