#pragma once

#include <boost/intrusive/list.hpp>

#include <vector>

#include "limiter/domain.hpp"
#include "limiter/shares.hpp"

namespace gateway::limiter {

// The requests of one sort of one caller on one account, first come first served.
struct lane {
  using order = boost::intrusive::list<
      waiter, boost::intrusive::member_hook<waiter, boost::intrusive::list_member_hook<>, &waiter::place_>>;

  kind what = kind::request;
  std::size_t account = 0;
  std::size_t caller = 0;
  store::use draws{};   // everything
  store::use shared{};  // what it draws from together with other callers
  store::use own{};     // the caller's own limits
  bool has_own = false;
  bool yields = false;  // the gateway's own: no caller's, and in nobody's way
  order waiters{};
  std::size_t ready = 0;   // of them
  std::size_t wanted = 0;  // permits that the ledger was told of
  bool listed = false;     // among those that want some
  boost::intrusive::list_member_hook<> active{};

  waiter& first_ready() noexcept {
    auto at = waiters.begin();
    while (at->at != stage::ready) ++at;
    return *at;
  }
};

using lanes =
    boost::intrusive::list<lane,
                           boost::intrusive::member_hook<lane, boost::intrusive::list_member_hook<>, &lane::active>>;

// Whose turn it is. Creations stand in one line for the whole domain, since its accounts share what they draw from;
// other requests in one per account. Where both want an account's windows for all requests, shares of those decide.
class order_of_turns {
 public:
  order_of_turns(std::size_t accounts, const std::vector<std::uint32_t>& weights)
      : creations_{weights}, reads_(accounts, shares{weights}), requests_(accounts, shares{weights}) {}

  void reweigh(const std::vector<std::uint32_t>& weights) {
    creations_.reweigh(weights);
    for (auto& one : reads_) one.reweigh(weights);
    for (auto& one : requests_) one.reweigh(weights);
  }
  shares::tag tag(const lane& of, std::size_t behind = 0) const noexcept { return line(of).next(of.caller, behind); }
  void served(const lane& of) noexcept {
    line(of).served(of.caller);
    requests_[of.account].served(of.caller);
  }
  void returned(const lane& of) noexcept {
    line(of).returned(of.caller);
    requests_[of.account].returned(of.caller);
  }
  // Of the same account: the creation goes first.
  bool before(const lane& creation, const lane& read) const noexcept {
    const auto& by = requests_[creation.account];
    return by.next(creation.caller) <= by.next(read.caller);
  }

 private:
  shares& line(const lane& of) noexcept { return of.what == kind::creation ? creations_ : reads_[of.account]; }
  const shares& line(const lane& of) const noexcept {
    return of.what == kind::creation ? creations_ : reads_[of.account];
  }

  shares creations_;
  std::vector<shares> reads_;
  std::vector<shares> requests_;
};

// One choice: which of the lanes that may go does. Those that may go first; among them by tag, then by who entered
// first.
class choice {
 public:
  explicit choice(std::size_t accounts) : reads_(accounts) {}

  struct candidate {
    lane* of = nullptr;
    time::instant at{};
    shares::tag tag = 0;
    std::uint64_t number = 0;
    bool before(const candidate& other) const noexcept {
      if (other.of == nullptr) return true;
      if (at != other.at) return at < other.at;
      return tag != other.tag ? tag < other.tag : number < other.number;
    }
  };

  void begin() noexcept {
    creation_.of = nullptr;
    for (auto& one : reads_) one.of = nullptr;
  }
  void offer(const candidate& one) noexcept {
    auto& best = one.of->what == kind::creation ? creation_ : reads_[one.of->account];
    if (one.before(best)) best = one;
  }
  candidate choose(const order_of_turns& turns) const noexcept {
    const candidate* read = nullptr;
    for (const auto& one : reads_) {
      if (one.of != nullptr &&
          (read == nullptr || one.at < read->at || (one.at == read->at && one.number < read->number)))
        read = &one;
    }
    if (creation_.of == nullptr) return read == nullptr ? candidate{} : *read;
    if (read == nullptr || creation_.at < read->at) return creation_;
    if (read->at < creation_.at) return *read;
    const auto& rival = reads_[creation_.of->account];
    if (rival.of == nullptr || rival.at != creation_.at || turns.before(*creation_.of, *rival.of)) return creation_;
    return rival;
  }

 private:
  candidate creation_;
  std::vector<candidate> reads_;
};

}  // namespace gateway::limiter
