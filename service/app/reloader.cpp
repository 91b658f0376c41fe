#include "app/reloader.hpp"

#include <algorithm>
#include <utility>

#include "settings/changes.hpp"
#include "settings/load.hpp"
#include "settings/recorded_environment.hpp"

namespace gateway::app {
namespace {

constexpr auto look_again = std::chrono::milliseconds{500};
// Who writes a file often does so in steps: it is read when it has rested, or after so many looks.
constexpr int most_unsettled = 6;

std::string listed(const std::vector<settings::difference>& all, bool needs_restart) {
  std::string text;
  for (const auto& one : all) {
    if (one.needs_restart != needs_restart) continue;
    if (!text.empty()) text += ", ";
    text += one.key;
  }
  return text;
}

}  // namespace

reloader::reloader(parts given)
    : parts_{std::move(given)}, timer_{parts_.main}, current_{parts_.first}, since_{parts_.clock.wall_now()} {}

void reloader::start() {
  // Read once more: which files it names is seen on the way, and what changed since it was read first.
  reload("");
  look();
}

void reloader::stop() {
  stopped_ = true;
  timer_.cancel();
}

void reloader::look() {
  timer_.expires_after(look_again);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopped_) return;
    const bool changed = watch_->changed();
    if (changed) quietly_ = false;
    if (changed || unsettled_ != 0) ++unsettled_;
    if (unsettled_ != 0 && (!changed || unsettled_ >= most_unsettled)) {
      unsettled_ = 0;
      reload(std::exchange(quietly_, false) ? "" : "a file has changed");
    }
    look();
  });
}

// Certificates of listeners and of authorities are read again by those who use them: they are of interest here only
// where one of them may be why a configuration was refused, which has to be taken once it is mended.
void reloader::watch(const std::set<std::filesystem::path>& files, bool refused) {
  auto wanted = files;
  if (!refused) leave_out_certificates(wanted);
  if (watch_ && wanted == files_) return;
  files_ = std::move(wanted);
  watch_.emplace(std::vector<std::filesystem::path>{files_.begin(), files_.end()});
  // What changed between reading them and this is not to be missed.
  quietly_ = true;
  unsettled_ = 1;
}

void reloader::leave_out_certificates(std::set<std::filesystem::path>& wanted) const {
  const auto now = current();
  for (const auto* one : {&now->listeners.api, &now->listeners.admin}) {
    if (!one->tls) continue;
    wanted.erase(one->tls->certificate_file);
    wanted.erase(one->tls->private_key_file);
    if (one->tls->client_ca_file) wanted.erase(*one->tls->client_ca_file);
  }
  for (const auto& [name, account] : now->accounts)
    if (account.tls.ca_file) wanted.erase(*account.tls.ca_file);
  if (now->shared_state.redis && now->shared_state.redis->ca_file) wanted.erase(*now->shared_state.redis->ca_file);
  if (now->tracing.ca_file) wanted.erase(*now->tracing.ca_file);
}

bool reloader::reload(std::string_view why) {
  // What changes while it is read is seen at the next look: the identities are older than the contents.
  const settings::recorded_environment recorded{*parts_.environment};
  auto loaded = settings::load(parts_.file, recorded);
  watch(recorded.files(), !loaded);
  if (!loaded) {
    const auto count = loaded.error().size();
    const auto text =
        (count == 1 ? "1 fault: " : std::to_string(count) + " faults, the first: ") + loaded.error().front().text();
    if (why.empty() && text == trouble()) return false;  // it was said when it was read first
    for (const auto& one : loaded.error())
      parts_.log.error("fault in the configuration", {{"fault", std::string_view{one.text()}}});
    return refuse(text);
  }
  const auto all = settings::differences(*current(), *loaded);
  const auto& now_there = loaded->callers;
  const bool gone =
      std::ranges::any_of(current()->callers, [&](const auto& c) { return !now_there.contains(c.first); });
  if (const auto fixed = listed(all, true); !fixed.empty())
    return refuse("needs a restart: " + fixed + (gone ? "; who is no longer there is let in until then" : ""));
  if (all.empty()) {
    {
      const std::lock_guard lock{mutex_};
      trouble_.clear();
    }
    if (!why.empty()) parts_.log.info("configuration read again, nothing has changed", {{"why", why}});
    return true;
  }
  auto next = std::make_shared<const settings::configuration>(std::move(*loaded));
  if (auto taken = parts_.adopt(next); !taken) {
    watch(recorded.files(), true);
    if (why.empty() && taken.error() == trouble()) return false;
    return refuse(taken.error());
  }
  {
    const std::lock_guard lock{mutex_};
    current_ = next;
    trouble_.clear();
    since_.store(parts_.clock.wall_now(), std::memory_order_relaxed);
  }
  parts_.log.info("configuration reloaded",
                  {{"why", why}, {"config", settings::hash(*next)}, {"changed", listed(all, false)}});
  return true;
}

bool reloader::refuse(const std::string& why) {
  {
    const std::lock_guard lock{mutex_};
    trouble_ = why;
  }
  parts_.log.error("new configuration refused, the one before stays in force",
                   {{"file", parts_.file.native()}, {"reason", why}});
  return false;
}

std::shared_ptr<const settings::configuration> reloader::current() const {
  const std::lock_guard lock{mutex_};
  return current_;
}

std::string reloader::trouble() const {
  const std::lock_guard lock{mutex_};
  return trouble_;
}

}  // namespace gateway::app
