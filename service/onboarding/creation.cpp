#include "onboarding/creation.hpp"

#include "foundation/json/write.hpp"
#include "onboarding/body_faults.hpp"
#include "onboarding/creation_members.hpp"

#include <algorithm>
#include <bitset>
#include <stdexcept>

namespace gateway::onboarding {
namespace {

constexpr std::size_t defaults_limit = 64;

// Checks the members of a body, or of the defaults, as they come by.
class member_checker final : public json::visitor {
 public:
  member_checker(const creation_rules& rules, url_reader& urls, const creation_policy* policy = nullptr)
      : rules_{rules}, urls_{urls}, policy_{policy} {}

  void on_member(const json::member& m) override {
    ++members_;
    const auto known = find_known_member(m.name);
    if (known < known_member_count) {
      seen_.set(known);
      check_known_member(known, m, rules_, urls_, faults);
      return;
    }
    if (rules_.unknown_members == unknown_members::refuse)
      add_unknown_member(m.name);
    else if (policy_)
      note_overridden(m.name);
  }

  std::size_t members() const { return members_; }
  bool has(std::size_t known) const { return seen_.test(known); }
  bool overridden(std::size_t index) const { return overridden_.test(index); }

  std::vector<errors::fault> faults;

 private:
  // A body of nothing but unknown members must not make an answer many times its size.
  static constexpr std::size_t unknown_limit = 64;

  void add_unknown_member(std::string_view name) {
    if (++unknown_ > unknown_limit) {
      if (unknown_ == unknown_limit + 1)
        faults.push_back({.name = "#", .code = "unknown-member", .detail = "more unknown members follow"});
      return;
    }
    faults.push_back({.name = json::fragment_pointer(name),
                      .code = "unknown-member",
                      .detail = "this account accepts documented members only; leave it out"});
  }

  // Defaults may be for members that we do not know: a device type, say.
  void note_overridden(std::string_view name) {
    const auto& defaults = policy_->defaults();
    for (std::size_t i = 0; i < defaults.size(); ++i)
      if (defaults[i].known >= known_member_count && defaults[i].name == name) overridden_.set(i);
  }

  const creation_rules& rules_;
  url_reader& urls_;
  const creation_policy* policy_;
  std::bitset<known_member_count> seen_;
  std::bitset<defaults_limit> overridden_;
  std::size_t members_ = 0;
  std::size_t unknown_ = 0;
};

void add_missing(member_checker& found, const std::bitset<known_member_count>& defaulted_members) {
  for (std::size_t known = 0; known < known_member_count; ++known) {
    if (!is_required(known) || found.has(known) || defaulted_members.test(known)) continue;
    found.faults.push_back({.name = json::fragment_pointer(known_member_name(known)),
                            .code = "missing",
                            .detail = "this member is required: " + std::string{expectation_of(known)}});
  }
}

}  // namespace

std::vector<errors::fault> check_defaults(const creation_rules& rules) {
  std::vector<errors::fault> faults;
  if (rules.defaults.size() > defaults_limit)
    faults.push_back({.name = "#", .code = "too-many", .detail = "at most 64 members may have defaults"});
  json::scanner scanner;
  url_reader urls;
  for (const auto& d : rules.defaults) {
    std::string object = "{";
    json::append_name(object, d.name);
    object += d.value + "}";
    member_checker found{rules, urls};
    const auto scanned = scanner.scan(object, found);
    if (!scanned)
      faults.push_back(
          {.name = json::fragment_pointer(d.name), .code = "invalid-json", .detail = scanned.error().reason});
    else if (found.members() != 1)
      faults.push_back(
          {.name = json::fragment_pointer(d.name), .code = "invalid-json", .detail = "more than one value"});
    else
      std::ranges::move(found.faults, std::back_inserter(faults));
  }
  return faults;
}

creation_policy::creation_policy(creation_rules rules) : rules_{std::move(rules)} {
  if (const auto faults = check_defaults(rules_); !faults.empty())
    throw std::invalid_argument{"default " + faults.front().name + ": " + faults.front().detail};
  for (const auto& d : rules_.defaults) {
    if (std::ranges::find(defaults_, d.name, &rendered_default::name) != defaults_.end()) continue;
    rendered_default made{.name = d.name, .member = {}, .pointer = {}, .known = find_known_member(d.name)};
    json::append_name(made.member, d.name);
    made.member += d.value;
    json::append_pointer_step(made.pointer, d.name);
    defaults_.push_back(std::move(made));
  }
}

std::expected<void, errors::failure> compose_creation(std::string_view body, const creation_policy& policy,
                                                      scratch& memory, std::string& out, defaulted& from_defaults) {
  member_checker found{policy.rules(), memory.urls, &policy};
  const auto bounds = memory.scanner.scan(body, found, body_limits);
  if (!bounds) return std::unexpected{malformed(bounds.error())};

  from_defaults.clear();
  out.reserve(body.size());  // all of it: growing for the last character takes twice as much
  out.assign(body, 0, bounds->close);
  bool first = bounds->empty;
  std::bitset<known_member_count> filled;
  const auto& defaults = policy.defaults();
  for (std::size_t i = 0; i < defaults.size(); ++i) {
    const auto& d = defaults[i];
    const bool known = d.known < known_member_count;
    if (known ? found.has(d.known) : found.overridden(i)) continue;
    if (known) filled.set(d.known);
    if (!first) out += ',';
    first = false;
    out += d.member;
    from_defaults.push_back(d.pointer);
  }
  out.append(body, bounds->close);

  add_missing(found, filled);
  if (!found.faults.empty()) return std::unexpected{invalid(std::move(found.faults))};
  return {};
}

}  // namespace gateway::onboarding
