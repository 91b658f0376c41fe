#pragma once

#include <boost/container/small_vector.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "onboarding/answer.hpp"
#include "onboarding/large_pages.hpp"
#include "onboarding/sequence_index.hpp"

namespace gateway::onboarding {

// What a caller sees again of a session that it asked for.
struct own_session {
  session_id id;
  time::wall_instant created_at{};
  std::optional<time::wall_instant> slot_until{};  // on a test account, while its slot is held
  std::string idempotency_key{};                   // empty: none
  std::string external_metadata{};                 // JSON, as the caller sent it; empty: none
  std::optional<time::duration> poll_interval{};   // how often it is looked at, where anybody waits for it
};

// Which callers made which session of an account, or were given it, as far as this process remembers: a session is
// shown to nobody else. Any thread. Bounded: beyond `most` the oldest are forgotten, and forgotten sessions are
// nobody's.
class ownership {
 public:
  explicit ownership(std::size_t most = 200'000) : most_{most} {}

  // A session that will be made at once, or was: the memory that this takes is brought near meanwhile.
  void expect(const session_id& id) const;
  // `what.id` is this caller's from now on too.
  void made(std::size_t caller, own_session what);
  // False: it is known to be another caller's.
  bool may_see(const session_id& id, std::size_t caller) const;
  // False: it is not known to be this caller's.
  bool owns(const session_id& id, std::size_t caller) const;
  // It is not pending any more, as far as is known.
  bool ended(const session_id& id) const;
  // True the first time it is said of a session that is remembered.
  bool completed(const session_id& id);
  void expired(const session_id& id);
  // The pending ones of a caller, newest first; without their slots. At most `most`.
  std::vector<own_session> open_of(std::size_t caller, std::size_t most) const;

 private:
  // What it said with its creation, where it said anything.
  struct remarks {
    std::string idempotency_key{};
    std::string external_metadata{};
  };
  struct owner {
    std::size_t caller = 0;
    std::unique_ptr<remarks> said{};
  };
  // Remembered in the order in which they were made, so that what is forgotten next lies beside what was forgotten
  // last, and found through a table that holds nothing else. (With nodes of a hash table, of two hundred thousand each
  // in no cache, this took 3 % of a creation's time, and with records chained by their hashes 4.5 %; perf.)
  struct record {
    session_id id;
    boost::container::small_vector<owner, 1> owners{};
    time::wall_instant created_at{};
    session_state state = session_state::pending;
  };
  // One of a caller's. Whether it is forgotten is seen by its number alone.
  struct entry {
    std::uint64_t number;
    const record* at;
  };

  record& remember(const session_id& id, std::uint32_t hash);
  bool forgotten(const entry& one) const noexcept { return one.number <= by_id_.forgotten(); }
  void forget_oldest();
  // Where it stands among the records, if it is remembered.
  std::optional<std::size_t> place_of(const session_id& id, std::uint32_t hash) const;
  // Null: it is not remembered.
  record* find(const session_id& id);
  const record* find(const session_id& id) const;
  static bool is_of(const record& known, std::size_t caller);

  const std::size_t most_;
  mutable std::mutex mutex_;
  // What is forgotten makes room for what is new: once `most_` are remembered, a session costs no allocation.
  large_pages pages_;
  std::pmr::unsynchronized_pool_resource memory_{&pages_};
  std::pmr::deque<record> records_{&memory_};  // oldest first
  sequence_index by_id_{&pages_, &memory_};    // where they stand among the records
  std::pmr::unordered_map<std::size_t, std::pmr::deque<entry>> by_caller_{&memory_};  // oldest first
};

}  // namespace gateway::onboarding
