#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "dispatch/dispatcher.hpp"
#include "foundation/time/clock.hpp"
#include "onboarding/answer.hpp"
#include "onboarding/creation.hpp"
#include "onboarding/ownership.hpp"
#include "onboarding/scratch.hpp"

namespace gateway::onboarding {

// The memory of one request about a session; kept between uses.
struct workspace {
  scratch memory;
  std::string upstream_body;
  defaulted from_defaults;
  dispatch::workspace way;
  transport::departure* caller = nullptr;  // whoever asks; none: nobody can leave
};

// Hears what became of sessions. On the loop of the request.
class observer {
 public:
  virtual ~observer() = default;
  virtual void created() = 0;
  virtual void completed() = 0;  // once per session that this process made
  virtual void foreign_member_dropped() = 0;
};

// The onboarding sessions of one account on one loop: the use case behind the caller-facing routes.
class sessions {
 public:
  struct parts {
    dispatch::dispatcher& way;
    const answer_policy& answers;
    ownership& owners;
    const time::clock& clock;
    onboarding::observer& observer;
    std::string account;  // its name, for messages
  };
  explicit sessions(parts given) : parts_{std::move(given)} {}

  // Creates a session from the caller's body, within `deadline`, and sets `out` to the answer's body. `body` and
  // `policy` are used until it returns. When the caller leaves it ends at once if nothing was
  // sent; what was sent is finished.
  transport::task<std::expected<session_facts, errors::failure>> create(std::size_t caller,
                                                                        const creation_policy& policy,
                                                                        std::string_view body, time::instant deadline,
                                                                        workspace& space, std::string& out);

  transport::task<std::expected<session_facts, errors::failure>> read(std::size_t caller, session_id id,
                                                                      time::instant deadline, workspace& space,
                                                                      std::string& out);

 private:
  std::expected<session_facts, errors::failure> conclude(dispatch::operation what, const answer_context& context,
                                                         workspace& space, std::string& out);

  parts parts_;
};

}  // namespace gateway::onboarding
