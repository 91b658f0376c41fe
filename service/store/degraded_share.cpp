#include "store/degraded_share.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace gateway::store {

namespace {

ledger_rules reduced(ledger_rules rules, const shared_options& options) {
  for (auto& one : rules.resources) {
    for (auto& window : one.windows) window.rate = degraded_share::part(window.rate, options);
  }
  return rules;
}

time::duration longest(const ledger_rules& rules) noexcept {
  time::duration found{0};
  for (const auto& one : rules.resources) {
    for (const auto& window : one.windows) found = std::max(found, window.per + stretch_of(window, one));
  }
  return found;
}

// Equal for equal rules, over restarts and machines.
std::string fingerprint_of(const ledger_rules& rules, const shared_options& options) {
  auto text = std::to_string(options.degraded_thousandths) + '/' + std::to_string(options.max_replicas);
  for (std::size_t i = 0; i < rules.resources.size(); ++i) {
    for (const auto& window : rules.resources[i].windows)
      text += '\n' + options.resources[i].name + ' ' + std::to_string(window.rate) + '/' +
              std::to_string(window.per.count());
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  std::size_t size = 0;
  if (EVP_Q_digest(nullptr, "SHA256", nullptr, text.data(), text.size(), digest.data(), &size) != 1)
    throw std::runtime_error{"OpenSSL has no SHA-256"};
  std::uint64_t first = 0;
  for (std::size_t i = 0; i < sizeof first; ++i) first = first << 8U | digest[i];
  return std::to_string(first);
}

}  // namespace

std::uint32_t degraded_share::part(std::uint32_t rate, const shared_options& options) noexcept {
  const auto thousandths = std::uint64_t{rate} * std::min(options.degraded_thousandths, 1000U);
  return static_cast<std::uint32_t>(thousandths / (std::uint64_t{1000} * std::max(options.max_replicas, 1U)));
}

std::uint32_t degraded_share::set_aside(std::uint32_t rate, const shared_options& options) noexcept {
  return part(rate, options) * std::max(options.max_replicas, 1U);
}

degraded_share::degraded_share(const ledger_rules& configured, const shared_options& options)
    : exists_{options.degraded_thousandths != 0},
      usable_for_{options.lease},
      // A thousandth and a second more, as clocks differ.
      length_{(longest(configured) + options.lease) * 1001 / 1000 + std::chrono::seconds{1}},
      fingerprint_{fingerprint_of(configured, options)},
      books_{reduced(configured, options)} {}

bool degraded_share::admits(const use& of) const noexcept {
  const auto one_at_least = [&](std::uint32_t resource) {
    return std::ranges::all_of(books_.rules().resources[resource].windows, [](const window& w) { return w.rate > 0; });
  };
  return exists_ && !of.slot && std::ranges::all_of(of.requests, one_at_least) &&
         std::ranges::all_of(of.creations, one_at_least);
}

// Of what nothing is counted, nothing needs a share.
bool degraded_share::limits(const use& of) const noexcept {
  const auto any = [&](std::uint32_t resource) { return !books_.rules().resources[resource].windows.empty(); };
  return of.slot || std::ranges::any_of(of.requests, any) || std::ranges::any_of(of.creations, any);
}

opening degraded_share::drawable(const use& of, time::instant now) {
  constexpr opening never{time::instant::max(), {binding::by::store, 0, 0}};
  if (exists_ && !limits(of)) return books_.drawable(of, now);
  if (!admits(of) || now >= usable_until_) return never;
  const auto opens = books_.drawable(of, now);
  return opens.at < usable_until_ ? opens : never;
}

drawing degraded_share::draw(const use& of, time::instant now) {
  auto made = books_.draw(of, now);
  if (!limits(of)) return made;
  made.send_by = usable_until_;
  last_drawn_ = now;
  drew_ = true;
  return made;
}

// A permit may be sent as late as the lease's use ends, and stays in a window for the rest of the lease.
bool degraded_share::leave(time::instant now) noexcept {
  const auto held = exists_ && usable_until_ != time::instant{};
  usable_until_ = {};
  due_ = time::instant::max();
  return held && (!drew_ || now > last_drawn_ + length_);
}

}  // namespace gateway::store
