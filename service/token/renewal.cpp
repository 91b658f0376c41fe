#include "token/renewal.hpp"

#include <algorithm>

namespace gateway::token {

bool renewal::should_ask(time::instant now) noexcept {
  if (asking_ || now < next_attempt_) return false;
  // A token that is renewed while it is good is no answer to a refusal.
  if (grant_) after_rejection_ = false;
  asking_ = true;
  return true;
}

std::optional<time::instant> renewal::wake_at() const noexcept {
  if (asking_) return std::nullopt;
  return next_attempt_;
}

void renewal::on_granted(granted answer, time::instant sent_at, double uniform) {
  const auto lifetime = std::min(answer.lifetime.value_or(options_.default_lifetime), options_.longest_lifetime);
  const auto used = std::chrono::duration<double>{lifetime} * (options_.renew_after * (1.0 - 0.1 * uniform));
  asking_ = false;
  tried_ = true;
  granted_at_ = sent_at;
  if (!after_rejection_) failures_ = 0;
  trouble_.reset();
  grant_ = grant{std::move(answer.token), ++generation_, sent_at + lifetime};
  next_attempt_ = sent_at + std::chrono::duration_cast<time::duration>(used);
}

void renewal::on_trouble(bool refused, std::string reason, time::instant now, double uniform) {
  asking_ = false;
  tried_ = true;
  next_attempt_ = now + back_off(refused, uniform);
  ++failures_;
  trouble_ = trouble{refused, std::move(reason), next_attempt_};
}

void renewal::ask_now(time::instant now) noexcept {
  failures_ = 0;
  if (!asking_) next_attempt_ = now;
}

void renewal::on_rejected(std::uint64_t generation, time::instant now, double uniform) {
  if (!grant_ || grant_->generation != generation) return;
  grant_.reset();
  if (after_rejection_ && now - granted_at_ < options_.fresh_for) {
    on_trouble(true, "the API refuses a token that the token endpoint has just given", now, uniform);
    return;
  }
  after_rejection_ = true;
  failures_ = 0;
  if (!asking_) next_attempt_ = now;
}

// Exponential with equal jitter: at least half of the step, so that it never comes near zero.
time::duration renewal::back_off(bool refused, double uniform) const noexcept {
  const auto first = refused ? options_.refused_back_off : options_.first_back_off;
  const auto longest = std::max(options_.longest_back_off, first);
  const auto step = failures_ >= 16 ? longest : std::min(longest, first * (1L << failures_));
  return std::chrono::duration_cast<time::duration>(std::chrono::duration<double>{step} * (0.5 + 0.5 * uniform));
}

}  // namespace gateway::token
