#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "foundation/secrets/secret.hpp"
#include "foundation/time/clock.hpp"
#include "token/request.hpp"

namespace gateway::token {

// A token that may be used until `expiry`.
struct grant {
  secrets::secret token;
  std::uint64_t generation = 0;  // 1, 2, 3, ... per account
  time::instant expiry{};
};

// Why there is none.
struct trouble {
  bool refused = false;      // our credentials: somebody must act. Otherwise the endpoint is out of reach.
  std::string reason;        // for people, without secrets
  time::instant retry_at{};  // when the next attempt will be made
};

struct renewal_options {
  time::duration default_lifetime = std::chrono::minutes{5};  // where the answer has no expires_in
  time::duration longest_lifetime = std::chrono::hours{24};
  double renew_after = 0.8;  // of the lifetime, less a jitter of at most a tenth of it
  time::duration first_back_off = std::chrono::milliseconds{500};
  time::duration longest_back_off = std::chrono::seconds{30};
  time::duration refused_back_off = std::chrono::seconds{5};  // the first one after a refusal, doubling likewise
  // Between two attempts, the first of which brought a token, however short that lives.
  time::duration least_apart = std::chrono::seconds{5};
  // After a token request that a rejection called for: the least time before the next such one, doubling with each.
  time::duration first_spacing = std::chrono::seconds{2};
  time::duration longest_spacing = std::chrono::minutes{1};
  time::duration calm = std::chrono::minutes{10};     // without a token request: as if there had been no rejection
  time::duration settling = std::chrono::seconds{4};  // the API may learn of a token so much later than we
};

// When to ask for a token and what to do with the answer: pure decisions over (event, now). One attempt runs at a time;
// a failed one is always followed by another, because `wake_at` is derived from the state and cannot be lost.
class renewal {
 public:
  explicit renewal(renewal_options options) noexcept : options_{options} {}

  // True: begin an attempt now (and report its end by one of the two below). Called at `wake_at`, at the start, and
  // when somebody needs a token.
  bool should_ask(time::instant now) noexcept;

  // `sent_at`: when the request went out, from which the lifetime counts; with that over by `now` it is trouble.
  // `uniform` in [0, 1).
  void on_granted(granted answer, time::instant sent_at, time::instant now, double uniform);
  // `at_least`: what the endpoint asks for before the next attempt.
  void on_trouble(bool refused, std::string reason, time::instant now, double uniform,
                  time::duration at_least = time::duration::zero());

  // The API refused the token of this generation (401) to one request. A 401 may be that request's own fault, and a
  // token that is only just issued may not be known yet: the present one is withheld, and another one asked for at
  // once, only where it has worked before, or is older than `settling`, and no such request was made a moment ago.
  // Otherwise it stays in use, and is renewed as soon as that is no hurry, unless it works meanwhile. Two tokens in a
  // row that are refused and never worked: `failing` says that our credentials are refused, until one works. Other
  // generations than the present one are old news.
  void on_rejected(std::uint64_t generation, time::instant now);
  // The API took the token of this generation.
  void on_accepted(std::uint64_t generation, time::instant now) noexcept;

  // Somebody wants another one now, whatever the back-off. The present one is good until then, and what became of
  // those before says nothing of the next.
  void ask_now(time::instant now) noexcept;

  const grant* usable(time::instant now) const noexcept {
    return grant_ && !withheld_ && now < grant_->expiry ? &*grant_ : nullptr;
  }
  // Why the last attempt failed, while that is the latest news.
  const trouble* attempt_failed() const noexcept { return trouble_ ? &*trouble_ : nullptr; }
  // That, or that the API refuses what the attempts bring.
  const trouble* failing() const noexcept { return trouble_ ? &*trouble_ : doubt_ ? &*doubt_ : nullptr; }
  bool doubted() const noexcept { return doubt_.has_value(); }
  bool asking() const noexcept { return asking_; }
  // An attempt has ended, either way (what readiness waits for).
  bool tried() const noexcept { return tried_; }
  // When `should_ask` should be called next; nothing while an attempt runs.
  std::optional<time::instant> wake_at() const noexcept;

 private:
  time::duration back_off(bool refused, double uniform) const noexcept;
  time::duration spacing() const noexcept;
  void count_refused_token();

  renewal_options options_;
  std::optional<grant> grant_;
  std::optional<trouble> trouble_;
  time::instant next_attempt_ = time::instant::min();
  std::uint64_t generation_ = 0;
  unsigned failures_ = 0;  // in a row
  bool asking_ = false;
  bool tried_ = false;

  // Of the present token.
  bool proven_ = false;    // it has worked since it was last refused
  bool refused_ = false;   // at least once, and has never worked
  bool withheld_ = false;  // until the attempt ends
  time::instant good_at_{};
  time::instant renew_at_{};

  std::optional<trouble> doubt_;
  unsigned refused_tokens_ = 0;  // in a row, none of which has worked
  bool wanted_ = false;          // the next attempt is a rejection's
  unsigned hurried_ = 0;         // attempts that were, before calm came
  std::optional<time::instant> asked_at_;
};

}  // namespace gateway::token
