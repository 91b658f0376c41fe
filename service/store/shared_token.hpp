#pragma once

#include <cstdint>
#include <string>

#include "foundation/secrets/secret.hpp"
#include "foundation/time/clock.hpp"
#include "foundation/transport/task.hpp"

namespace gateway::store {

// For whom a token is; with other credentials it is another one.
struct token_owner {
  std::string client_id{};
  secrets::secret client_secret{};
};

struct shared_grant {
  secrets::secret token{};
  std::string id{};            // tells it from other tokens, and nothing more
  time::duration lifetime{0};  // in all, from when it was asked for
  time::instant expiry{};      // never later than in truth
};

// The right to ask the endpoint, until its lease ends.
struct token_lease {
  std::uint64_t fence = 0;
  std::int64_t began_ms = 0;  // by the store's clock
};

struct token_search {
  enum class outcome : std::uint8_t {
    found,   // `grant`, which is not the one that is known
    yours,   // there is none: `lease`, ask the endpoint and say what came of it
    busy,    // another replica is asking the endpoint, at the latest until `until`
    failed,  // another replica has just failed: `refused` and `reason`, until `until`
    away     // the store does not answer: everybody for himself
  } is = outcome::away;
  shared_grant grant{};
  token_lease lease{};
  time::instant until{};
  bool refused = false;
  std::string reason{};
};

// An account's token, as all replicas share it. Of one loop.
class shared_token {
 public:
  virtual ~shared_token() = default;

  virtual std::string id_of(const token_owner& who, const secrets::secret& token) = 0;

  // A token other than the one whose id is `known`, or else the right to ask for one. `refused`: the known one was
  // refused by the API, and is taken away from the others if it is still theirs.
  virtual transport::task<token_search> search(token_owner who, std::string known, bool refused) = 0;
  // What came of a lease: a token with that lifetime from when it was asked for, or a failure, which the others share
  // for a short time, or for `asked_for` where the endpoint asks to be left alone for longer. Either ends the lease; a
  // lease that is over changes nothing.
  virtual transport::task<> keep(token_owner who, token_lease lease, secrets::secret token,
                                 time::duration lifetime) = 0;
  virtual transport::task<> failed(token_owner who, token_lease lease, bool refused, std::string reason,
                                   time::duration asked_for) = 0;
  // Waits until `until`, or less where it is heard that a lease has ended: a hint, and no more.
  virtual transport::task<> changed(token_owner who, time::instant until) = 0;
};

}  // namespace gateway::store
