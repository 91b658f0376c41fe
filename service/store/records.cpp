#include "store/records.hpp"

namespace gateway::store {

namespace {

using s = key_state;
constexpr key_step no(key_state stays) noexcept {
  return {stays, false};
}
constexpr key_step yes(key_state to) noexcept {
  return {to, true};
}

}  // namespace

key_step next(key_state from, key_event what) noexcept {
  // clang-format off
  //                     claim            overdue          send           take_back         finish         lose             release         renew
  static constexpr key_step table[key_states][key_events] = {
    /* none    */ {yes(s::claimed), yes(s::claimed), no(s::none),    no(s::none),      yes(s::done),   yes(s::unknown), no(s::none),    no(s::none)},
    /* claimed */ {no(s::claimed),  yes(s::claimed), yes(s::sent),   no(s::claimed),   yes(s::done),   no(s::claimed),  yes(s::none),   yes(s::claimed)},
    /* sent    */ {no(s::sent),     no(s::unknown),  yes(s::sent),   yes(s::claimed),  yes(s::done),   yes(s::unknown), yes(s::none),   no(s::sent)},
    /* done    */ {no(s::done),     no(s::done),     no(s::done),    no(s::done),      no(s::done),    no(s::done),     no(s::done),    no(s::done)},
    /* unknown */ {no(s::unknown),  no(s::unknown),  no(s::unknown), no(s::unknown),   yes(s::done),   no(s::unknown),  no(s::unknown), no(s::unknown)},
  };
  // clang-format on
  return table[static_cast<std::size_t>(from)][static_cast<std::size_t>(what)];
}

}  // namespace gateway::store
