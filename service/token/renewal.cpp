#include "token/renewal.hpp"

#include <algorithm>
#include <utility>

namespace gateway::token {

bool renewal::should_ask(time::instant now) noexcept {
  if (asking_ || now < next_attempt_) return false;
  if (std::exchange(wanted_, false)) ++hurried_;
  asking_ = true;
  asked_at_ = now;
  return true;
}

std::optional<time::instant> renewal::wake_at() const noexcept {
  if (asking_) return std::nullopt;
  return next_attempt_;
}

void renewal::on_granted(granted answer, time::instant sent_at, time::instant now, double uniform) {
  const auto lifetime = std::min(answer.lifetime.value_or(options_.default_lifetime), options_.longest_lifetime);
  if (now - sent_at >= lifetime) return on_trouble(false, "the token had expired when it came", now, uniform);
  const auto used = std::chrono::duration<double>{lifetime} * (options_.renew_after * (1.0 - 0.1 * uniform));
  asking_ = false;
  tried_ = true;
  failures_ = 0;
  trouble_.reset();
  grant_ = grant{std::move(answer.token), ++generation_, sent_at + lifetime};
  proven_ = refused_ = withheld_ = wanted_ = false;
  good_at_ = sent_at;
  renew_at_ = sent_at + std::chrono::duration_cast<time::duration>(used);
  if (asked_at_) renew_at_ = std::max(renew_at_, *asked_at_ + options_.least_apart);
  next_attempt_ = renew_at_;
}

void renewal::on_trouble(bool refused, std::string reason, time::instant now, double uniform, time::duration at_least) {
  asking_ = false;
  tried_ = true;
  next_attempt_ = now + std::max(back_off(refused, uniform), at_least);
  ++failures_;
  trouble_ = trouble{refused, std::move(reason), next_attempt_};
  wanted_ = false;
  if (!std::exchange(withheld_, false)) return;
  // It has worked, one 401 is no proof, and there is no other: it has a second chance.
  if (refused || !std::exchange(proven_, false)) grant_.reset();
}

void renewal::ask_now(time::instant now) noexcept {
  failures_ = refused_tokens_ = 0;
  doubt_.reset();
  if (!asking_) next_attempt_ = now;
}

void renewal::on_rejected(std::uint64_t generation, time::instant now) {
  if (!grant_ || grant_->generation != generation || withheld_) return;
  const bool worked = std::exchange(proven_, false);
  if (!worked) count_refused_token();
  if (trouble_) {  // the next attempt is planned, and not to be hurried
    if (!worked && now - good_at_ >= options_.settling) grant_.reset();
    return;
  }
  if (asked_at_ && now - *asked_at_ >= options_.calm) hurried_ = 0;
  const auto apart = worked ? spacing() : std::max(spacing(), options_.settling);
  const auto earliest = asked_at_ ? *asked_at_ + apart : now;
  if (now >= earliest) {
    withheld_ = true;
    proven_ = worked;
  }
  if (asking_) return;
  wanted_ = true;
  next_attempt_ = std::min(next_attempt_, std::max(now, earliest));
  if (doubt_) doubt_->retry_at = next_attempt_;
}

void renewal::count_refused_token() {
  if (std::exchange(refused_, true) || ++refused_tokens_ < 2 || doubt_) return;
  doubt_ = trouble{true, "the API refuses a token that the token endpoint has just given", next_attempt_};
}

void renewal::on_accepted(std::uint64_t generation, time::instant now) noexcept {
  if (!grant_ || grant_->generation != generation || withheld_) return;
  proven_ = true;
  good_at_ = now;
  refused_ = false;
  refused_tokens_ = 0;
  doubt_.reset();
  if (asking_ || !std::exchange(wanted_, false)) return;
  next_attempt_ = renew_at_;
}

// None before the first.
time::duration renewal::spacing() const noexcept {
  if (hurried_ == 0) return time::duration::zero();
  return std::min(options_.longest_spacing, options_.first_spacing * (1L << std::min(hurried_ - 1, 16U)));
}

// Exponential with equal jitter: at least half of the step, so that it never comes near zero.
time::duration renewal::back_off(bool refused, double uniform) const noexcept {
  const auto first = refused ? options_.refused_back_off : options_.first_back_off;
  const auto longest = std::max(options_.longest_back_off, first);
  const auto step = failures_ >= 16 ? longest : std::min(longest, first * (1L << failures_));
  return std::chrono::duration_cast<time::duration>(std::chrono::duration<double>{step} * (0.5 + 0.5 * uniform));
}

}  // namespace gateway::token
