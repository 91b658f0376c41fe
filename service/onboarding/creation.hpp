#pragma once

#include "foundation/errors/problem.hpp"
#include "onboarding/forms.hpp"
#include "onboarding/scratch.hpp"

#include <boost/container/small_vector.hpp>

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::onboarding {

// What a caller's body may hold at most, beside its size and its nesting: far more than any session needs, and little
// to the memory of whoever reads it next.
inline constexpr json::scan_limits body_limits{.members = 1000, .string = 16 * 1024, .finite_numbers = true};

enum class unknown_members : unsigned char { pass, refuse };

struct default_member {
  std::string name;
  std::string value;  // JSON text
};

// What a caller may ask for on an account, as plain values.
struct creation_rules {
  std::vector<std::string> languages{};    // empty: every well-formed one
  std::vector<std::string> price_zones{};  // empty: every well-formed one
  onboarding::unknown_members unknown_members = onboarding::unknown_members::pass;
  redirect_rules redirects{};
  std::vector<default_member> defaults{};  // the caller's before the account's: the first of a name counts
};

// Every fault of the defaults themselves, with the place inside the defaults ("#/language"): what the caller of
// `creation_policy` reports before anything starts.
std::vector<errors::fault> check_defaults(const creation_rules& rules);

// The rules of one caller on one account, prepared once. Immutable, so any thread may use it.
class creation_policy {
 public:
  struct rendered_default {
    std::string name;
    std::string member;   // `"language":"de"`
    std::string pointer;  // "/language"
    std::size_t known;    // which known member it is, or a number beyond them
  };

  // Throws std::invalid_argument if check_defaults finds anything.
  explicit creation_policy(creation_rules rules);

  const creation_rules& rules() const noexcept { return rules_; }
  const std::vector<rendered_default>& defaults() const noexcept { return defaults_; }

 private:
  creation_rules rules_;
  std::vector<rendered_default> defaults_;
};

// JSON Pointers to the members that came from defaults ("/language"). They point into the policy that filled them in.
using defaulted = boost::container::small_vector<std::string_view, 8>;

// From a caller's body to what Podero gets: validates all of `body` in one pass and sets `out` to exactly its bytes,
// with the members it leaves out and that have defaults appended inside the object. Fails with malformed_request (not
// one JSON object, duplicate members, not UTF-8, too deep) or with validation_failed and EVERY fault. Allocates nothing
// in the steady state unless it fails. `from_defaults` and `out` are only meaningful after success.
std::expected<void, errors::failure> compose_creation(std::string_view body, const creation_policy& policy,
                                                      scratch& memory, std::string& out, defaulted& from_defaults);

}  // namespace gateway::onboarding
