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
    onboarding::observer& observer;
  };
  explicit users(parts given) : parts_{std::move(given)} {}

  // A user for the caller's body, within `deadline`, and Podero's answer in `out`. With an idempotency key it is made
  // once. When the caller leaves, or the time is over, it ends at once if nothing was sent; what was sent with a key is
  // finished.
  transport::task<std::expected<user_answer, errors::failure>> create(user_request what, workspace& space,
                                                                      std::string& out);

 private:
  friend class keyed_user;

  using made = std::expected<user_answer, errors::failure>;

  // What goes to Podero, and for whom. The views are used until `send` returns.
  struct sending {
    std::size_t caller = 0;
    std::string_view key{};  // empty: none
    std::string_view upstream_body;
    time::instant deadline{};
    dispatch::journey* watch = nullptr;
    transport::departure* who = nullptr;
  };

  static store::key_name name_of(std::size_t caller, std::string_view key);
  transport::task<made> refused_unless_known(const user_request& what, std::string& out, errors::failure why);
  transport::task<made> create_keyed(const user_request& what, workspace& space, std::string& out);
  transport::task<made> create_alone(const user_request& what, workspace& space, std::string& out);
  transport::task<made> send(sending what, dispatch::workspace& way, std::string& out);
  void note(const sending& what, const dispatch::workspace& way, const made& got);
  transport::task<made> ask_podero(const sending& what, dispatch::workspace& way, std::string& out);

  parts parts_;
  scratch memory_;
};

// That an account lacks `org_id`.
errors::failure no_org_id(std::string_view account);

}  // namespace gateway::onboarding
