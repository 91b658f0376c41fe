#pragma once

#include "store/tally.hpp"

namespace gateway::store {

// Kept by this process alone, for its life. Not thread-safe.
class memory_ledger : public ledger {
 public:
  explicit memory_ledger(ledger_rules rules) : books_{std::move(rules)} {}

  opening drawable(const use& of, time::instant now) override { return books_.opens(of, now); }
  opening expected(const use& of, time::instant now) override { return drawable(of, now); }
  void want(const use&, std::size_t, time::instant) override {}
  drawing draw(const use& of, time::instant now) override;
  void sent(const use& of, const drawing& what, time::instant at) override;
  void give_back(const use& of, const drawing& what, time::instant now) override;
  void forget(const use& of, const drawing& what, time::instant at) override;
  void sent_again(const use& of, const drawing& what, time::instant at) override;

  void pause(std::size_t account, time::instant until, time::instant now) override;
  void hold(std::size_t account, time::instant until, time::instant now) override;
  void resume(std::size_t account, time::instant now) override;

  void bind(std::uint64_t slot, std::string_view session) override { books_.slots.bind(slot, session); }
  bool share(std::string_view session, std::size_t caller, time::instant now) override;
  bool give_back_slot(std::string_view session, std::size_t caller, time::instant now) override;
  bool free_slot(std::string_view session, time::instant now) override;
  bool free_slot(std::uint64_t slot, time::instant now) override;

  bool change(ledger_rules to, time::instant now) override {
    books_.change(std::move(to), now);
    return true;
  }

  const ledger_rules& rules() const noexcept override { return books_.rules; }
  const history& known(std::uint32_t resource) const noexcept override { return books_.histories[resource]; }
  const pace& pace_of(std::size_t account) const noexcept override { return books_.paces[account]; }
  const slot_book& slots(time::instant now) override;

 private:
  tally books_;
};

}  // namespace gateway::store
