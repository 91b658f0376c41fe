#include "onboarding/upstream_failure.hpp"

#include "foundation/json/write.hpp"
#include "onboarding/upstream_details.hpp"

namespace gateway::onboarding {
namespace {

using errors::effect;
using errors::failure;
using errors::problem;

// An account's name is at most this long in the configuration's messages; more is an accident.
constexpr std::size_t shown_account_limit = 100;

effect effect_of(operation what, unsigned status) noexcept {
  if (!dispatch::creates(what)) return effect::none;
  return status >= 400 && status < 500 ? effect::none : effect::unknown;
}

failure make(problem id, std::string detail, unsigned status, effect done = effect::none) {
  failure f;
  f.id = id;
  f.detail = std::move(detail);
  f.effect = done;
  f.upstream_status = status;
  return f;
}

std::string with_text(std::string detail, std::string_view upstream_text) {
  if (upstream_text.empty()) return detail + ".";
  detail += ": ";
  detail += upstream_text;
  return detail;
}

failure unauthorized(unsigned status, std::string_view account) {
  const auto name = json::shorten(account, shown_account_limit);
  return make(problem::upstream_unauthorized,
              "Podero refuses the credentials of account \"" + name + "\". Somebody has to look at accounts." + name +
                  ".token in the configuration (the id, the secret, and whether they belong to this environment).",
              status);
}

// A creation's body was refused by Podero's own validation.
failure refused_body(const upstream_refusal& answer) {
  auto details = read_details(answer.body);
  auto f = make(problem::validation_failed, with_text("Podero refuses the body", details.text), answer.status);
  f.faults = std::move(details.faults);
  if (f.faults.empty())
    f.faults.push_back({.name = "#",
                        .code = "refused-upstream",
                        .detail = details.text.empty() ? "Podero did not say why" : std::move(details.text)});
  return f;
}

failure unknown_user(unsigned status) {
  auto f = make(problem::validation_failed, "Podero knows no such user. A user is created before its first session.",
                status);
  f.faults.push_back({.name = "#/user_id", .code = "unknown-user", .detail = "Podero knows no user with this id"});
  return f;
}

failure unusable(operation what, const upstream_refusal& answer) {
  auto f = make(problem::upstream_error, "Podero answered " + std::to_string(answer.status) + ".", answer.status,
                effect_of(what, answer.status));
  if (answer.status >= 300 && answer.status < 400)
    f.detail = "Podero answered " + std::to_string(answer.status) + ", a redirect, which is never followed.";
  f.retry_after = answer.retry_after;
  return f;
}

failure create_failure(operation what, const upstream_refusal& answer) {
  switch (answer.status) {
    case 400:
    case 422:
      return refused_body(answer);
    case 404:
      // Of a user's creation it is the organisation that is not known: nothing that a caller could change.
      return what == operation::create_session ? unknown_user(answer.status) : unusable(what, answer);
    default:
      return unusable(what, answer);
  }
}

failure read_failure(operation what, const upstream_refusal& answer) {
  if (answer.status == 404 || answer.status == 410)
    return make(
        problem::not_found,
        what == operation::read_session ? "Podero knows no such session." : "Podero knows no such user or device.",
        answer.status);
  return unusable(what, answer);
}

}  // namespace

errors::failure upstream_failure(operation what, const upstream_refusal& answer, std::string_view account) {
  switch (answer.status) {
    case 401:
      return unauthorized(answer.status, account);
    case 403:
      return make(
          problem::upstream_forbidden,
          "Podero does not let account \"" + json::shorten(account, shown_account_limit) + "\" do this for this user.",
          answer.status);
    case 409:
      return make(problem::upstream_conflict, with_text("Podero reports a conflict", read_details(answer.body).text),
                  answer.status);
    default:
      return dispatch::creates(what) ? create_failure(what, answer) : read_failure(what, answer);
  }
}

errors::failure unusable_success(operation what, unsigned status, std::string_view reason, bool identified) {
  auto f = make(problem::upstream_error,
                "Podero answered " + std::to_string(status) + ", but its body cannot be used: ", status);
  f.detail += reason;
  f.detail += '.';
  if (!dispatch::creates(what)) return f;
  f.effect = status == 201 || identified ? effect::created : effect::unknown;
  f.advice = errors::retry::same_key;
  return f;
}

}  // namespace gateway::onboarding
