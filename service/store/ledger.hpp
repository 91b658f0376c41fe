#pragma once

#include <boost/container/static_vector.hpp>

#include <cstdint>
#include <optional>
#include <vector>

#include "store/history.hpp"
#include "store/pace.hpp"
#include "store/slots.hpp"
#include "store/window.hpp"

namespace gateway::store {

// One thing whose permits are counted: an account's requests, say, or a caller's creations.
struct resource {
  std::vector<window> windows{};
  time::duration stretch{0};           // windows are longer by this, at most by a twentieth of their length
  std::optional<std::size_t> paced{};  // by the account's pace
  bool slewed = false;                 // and by a thousandth more: kept by a wall clock, which may be slewed by less
};

struct ledger_rules {
  std::vector<resource> resources{};
  std::vector<time::duration> longest_pause{};  // by account
  std::uint32_t slots = 0;
  time::duration slot_ttl{0};
};

// What one permit draws from.
struct use {
  std::size_t account = 0;
  std::size_t caller = 0;
  boost::container::static_vector<std::uint32_t, 3> requests{};   // resources; all of them
  boost::container::static_vector<std::uint32_t, 3> creations{};  // and these, which get it back if it had no effect
  bool slot = false;
  std::optional<std::uint32_t> most_slots{};  // that the caller may hold on the account
};

// What keeps a permit back.
struct binding {
  // store: what is shared cannot be reached, and there is nothing to fall back on; nobody knows for how long.
  enum class by : std::uint8_t { nothing, window, pause, slots, own_slots, store } what = by::nothing;
  std::uint32_t resource = 0;
  std::uint32_t window = 0;
};

// From when on a permit can be drawn, and what keeps it back until then (the latest of its limits).
struct opening {
  time::instant at = time::instant::min();
  binding why{};
};

// A permit that was drawn, by which the ledger knows it again.
struct drawing {
  std::uint64_t id = 0;  // this and the stamp are the ledger's own
  std::int64_t stamp = 0;
  std::uint64_t slot = 0;                        // 0: it needs none
  time::instant send_by = time::instant::max();  // the last byte must have been handed to the socket by then
};

// Windows, slots and pauses: what permits are drawn from. Whoever keeps it (this process, or a store that several
// replicas share) answers at once, from what it knows. `now` never goes back.
class ledger {
 public:
  virtual ~ledger() = default;

  // What is in hand. At or before `now`: a permit can be drawn now. Later: not before then as far as is known, and
  // later still if somebody must be asked first; whoever waits for it looks again then. Costs nothing.
  virtual opening drawable(const use& of, time::instant now) = 0;
  // What can be expected, for estimates: at or before `now` also if the permit only has to be fetched. Where this
  // process keeps the ledger alone, the same as `drawable`.
  virtual opening expected(const use& of, time::instant now) = 0;
  // Whether nothing but the return of a store that cannot be reached can help, which `expected` says, too: where this
  // process keeps the ledger alone, that is never so.
  virtual bool stranded(const use& /*of*/, time::instant /*now*/) { return false; }
  // So many permits could be used at once by those of this account and caller who are ready for one. It replaces what
  // was said before of this use, and 0 ends it: nothing is fetched for a use that nobody wants.
  virtual void want(const use& of, std::size_t how_many, time::instant now) = 0;
  // It must be drawable. The permit is outstanding until it is sent or given back.
  virtual drawing draw(const use& of, time::instant now) = 0;
  virtual void sent(const use& of, const drawing& what, time::instant at) = 0;
  // Nothing was sent with it.
  virtual void give_back(const use& of, const drawing& what, time::instant now) = 0;
  // It was sent at `at`, and created nothing: the creations' permits come back, and the slot.
  virtual void forget(const use& of, const drawing& what, time::instant at) = 0;
  // A permit of which it was not known in time whether it was sent has been counted as sent; now it was sent indeed.
  virtual void sent_again(const use& of, const drawing& what, time::instant at) = 0;

  virtual void pause(std::size_t account, time::instant until, time::instant now) = 0;
  virtual void hold(std::size_t account, time::instant until, time::instant now) = 0;  // a pause by an operator
  virtual void resume(std::size_t account, time::instant now) = 0;

  virtual void bind(std::uint64_t slot, std::string_view session) = 0;
  virtual bool share(std::string_view session, std::size_t caller, time::instant now) = 0;
  virtual bool give_back_slot(std::string_view session, std::size_t caller, time::instant now) = 0;
  virtual bool free_slot(std::string_view session, time::instant now) = 0;
  virtual bool free_slot(std::uint64_t slot, time::instant now) = 0;

  // Other rules for the same things, of which there may be more at the end. False: they are fixed.
  virtual bool change(ledger_rules /*to*/, time::instant /*now*/) { return false; }

  // What is known, for estimates: exact where this process keeps the ledger alone.
  virtual const ledger_rules& rules() const noexcept = 0;
  virtual const history& known(std::uint32_t resource) const noexcept = 0;
  virtual const pace& pace_of(std::size_t account) const noexcept = 0;
  virtual const slot_book& slots(time::instant now) = 0;
};

// How much longer a window is made.
time::duration stretch_of(const window& of, const resource& in) noexcept;

// The latest of the openings of a resource's windows. `newest(n)` is when its n-th newest permit goes or went, if there
// is such a one.
template <typename Newest>
void open_windows(const resource& of, std::uint32_t number, const pace* paced, time::instant now, const Newest& newest,
                  opening& latest) {
  for (std::uint32_t i = 0; i < of.windows.size(); ++i) {
    const auto& one = of.windows[i];
    if (one.rate == 0) {  // of a share that is less than one permit
      latest = {time::instant::max(), {binding::by::store, 0, 0}};
      return;
    }
    const std::optional<time::instant> stamp = newest(one.rate);
    if (!stamp) continue;
    const auto stretch = stretch_of(one, of);
    const auto at = paced != nullptr ? paced->left(*stamp, one.per, stretch, now) : *stamp + one.per + stretch;
    if (at > latest.at) latest = {at, {binding::by::window, number, i}};
  }
}

}  // namespace gateway::store
