#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "dispatch/dispatcher.hpp"
#include "onboarding/sessions.hpp"
#include "store/records.hpp"

namespace gateway::onboarding {

// What a caller asks for. The views are used until `create` returns.
struct user_request {
  std::size_t caller = 0;
  std::string_view body;
  unknown_members unknown = unknown_members::pass;
  time::instant deadline{};
  std::optional<std::string_view> idempotency_key{};
};

struct user_answer {
  unsigned status = 201;
  bool replayed = false;  // the answer of an earlier request with the same key
};

// Podero's users of one account, on one loop: so far they can be made.
class users {
 public:
  struct parts {
    transport::loop& loop;
    dispatch::dispatcher& way;
    store::records& records;
    std::atomic<std::size_t>& under_way;  // counts creations, so that the end waits for those that were sent
    std::string account;                  // its name, for messages
    std::optional<std::string> org_id;    // none: not configured
  };
  explicit users(parts given) : parts_{std::move(given)} {}

  // A user for the caller's body, within `deadline`, and Podero's answer in `out`. With an idempotency key it is made
  // once. When the caller leaves it ends at once if nothing was sent; what was sent is finished.
  transport::task<std::expected<user_answer, errors::failure>> create(user_request what, workspace& space,
                                                                      std::string& out);

 private:
  class recorded;
  using made = std::expected<user_answer, errors::failure>;

  transport::task<std::expected<store::claim, errors::failure>> claim(const user_request& what, store::key_name name,
                                                                      store::digest digest,
                                                                      transport::departure* caller,
                                                                      std::shared_ptr<store::asking> by);
  transport::task<made> create_keyed(const user_request& what, workspace& space, std::string& out);
  transport::task<made> send(const user_request& what, dispatch::journey* watch, workspace& space, std::string& out);
  transport::task<bool> change(store::key_name name, time::instant until);

  parts parts_;
};

// That an account lacks `org_id`.
errors::failure no_org_id(std::string_view account);

}  // namespace gateway::onboarding
