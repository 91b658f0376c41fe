#include "store/memory_ledger.hpp"

namespace gateway::store {

drawing memory_ledger::draw(const use& of, time::instant now) {
  books_.each(of, [](history& one) { one.draw(); });
  drawing made;
  if (of.slot) made.slot = books_.slots.take(of.caller, of.account, now);
  return made;
}

void memory_ledger::sent(const use& of, const drawing&, time::instant at) {
  books_.each(of, [at](history& one) { one.sent(at); });
}

void memory_ledger::sent_again(const use& of, const drawing&, time::instant at) {
  books_.each(of, [at](history& one) {
    one.draw();
    one.sent(at);
  });
}

void memory_ledger::give_back(const use& of, const drawing& what, time::instant) {
  books_.each(of, [](history& one) { one.give_back(); });
  if (what.slot != 0) books_.slots.free(what.slot);
}

void memory_ledger::forget(const use& of, const drawing& what, time::instant at) {
  for (const auto resource : of.creations) books_.histories[resource].forget(at);
  if (what.slot != 0) books_.slots.free(what.slot);
}

void memory_ledger::pause(std::size_t account, time::instant until, time::instant now) {
  books_.paces[account].pause(until, now);
}

void memory_ledger::hold(std::size_t account, time::instant until, time::instant now) {
  books_.paces[account].hold(until, now);
}

void memory_ledger::resume(std::size_t account, time::instant now) {
  books_.paces[account].resume(now);
}

const slot_book& memory_ledger::slots(time::instant now) {
  books_.slots.expire(now);
  return books_.slots;
}

bool memory_ledger::share(std::string_view session, std::size_t caller, time::instant now) {
  books_.slots.expire(now);
  return books_.slots.share(session, caller);
}

bool memory_ledger::give_back_slot(std::string_view session, std::size_t caller, time::instant now) {
  books_.slots.expire(now);
  return books_.slots.give_back(session, caller);
}

bool memory_ledger::free_slot(std::string_view session, time::instant now) {
  books_.slots.expire(now);
  return books_.slots.free(session);
}

bool memory_ledger::free_slot(std::uint64_t slot, time::instant now) {
  books_.slots.expire(now);
  return books_.slots.free(slot);
}

}  // namespace gateway::store
