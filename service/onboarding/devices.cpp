#include "onboarding/devices.hpp"

#include <boost/json.hpp>

#include <algorithm>

#include "onboarding/forms.hpp"
#include "onboarding/upstream_failure.hpp"
#include "onboarding/users.hpp"

namespace gateway::onboarding {

using errors::failure;
using errors::problem;
using transport::task;

namespace {

page refused(problem id, std::string detail) {
  failure f;
  f.id = id;
  f.detail = std::move(detail);
  if (id == problem::draining) f.retry_after = std::chrono::seconds{1};
  return std::make_shared<const device_page>(device_page{.failure = std::move(f)});
}

page failed(failure why) {
  return std::make_shared<const device_page>(device_page{.failure = std::move(why)});
}

// A list of objects, or one object, and nothing else.
bool is_usable(std::string_view body, bool list) {
  boost::json::error_code ec;
  const auto value = boost::json::parse(boost::json::string_view{body.data(), body.size()}, ec);
  if (ec) return false;
  if (!list) return value.is_object();
  return value.is_array() && std::ranges::all_of(value.get_array(), [](const auto& one) { return one.is_object(); });
}

// Podero knows UUIDs in any letters; there is one page for all of them.
std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

}  // namespace

page device_cache::find(const std::string& path, time::instant now) const {
  const std::lock_guard lock{mutex_};
  const auto found = pages_.find(path);
  return found == pages_.end() || now >= found->second.what->good_until ? nullptr : found->second.what;
}

void device_cache::keep(const std::string& path, page what) {
  const std::lock_guard lock{mutex_};
  if (const auto found = pages_.find(path); found != pages_.end()) {
    ages_.erase(found->second.age);
    pages_.erase(found);
  }
  pages_.emplace(path, kept{std::move(what), ages_.insert(ages_.end(), path)});
  if (pages_.size() <= most_) return;
  pages_.erase(ages_.front());
  ages_.pop_front();
}

void device_cache::done(const std::string& path) {
  const std::lock_guard lock{mutex_};
  if (const auto found = reads_.find(path); found != reads_.end() && found->second.expired()) reads_.erase(found);
}

std::size_t device_cache::size() const {
  const std::lock_guard lock{mutex_};
  return pages_.size();
}

task<page> devices::read(device_request what, transport::departure* who) {
  const bool known_type = std::ranges::find(parts_.rules.types, what.type) != parts_.rules.types.end();
  if (!known_type) co_return refused(problem::not_found, "There is no such path.");
  if (!parts_.org_id) co_return failed(no_org_id(parts_.account));
  if (!is_uuid(what.user_id) || (!what.device_id.empty() && !is_uuid(what.device_id)))
    co_return refused(problem::not_found, "There is no such user or device.");
  auto path = "/org/" + *parts_.org_id + "/users/" + lower(what.user_id) + "/" + std::string{what.type};
  if (!what.device_id.empty()) path += "/" + lower(what.device_id);
  for (;;) {
    const auto now = parts_.loop.now();
    if (now >= what.deadline) co_return refused(problem::upstream_timeout, "The request's time ended.");
    if (!what.fresh) {
      if (auto kept = parts_.cache.find(path, now)) co_return kept;
    }
    auto [under_way, first] = parts_.cache.under_way(path, [&] {
      return std::make_shared<device_cache::read>(
          parts_.loop, what.deadline, what.caller,
          [this, path, list = what.device_id.empty()](auto& control, auto& everybody) {
            return ask_podero(path, list, control, everybody);
          },
          refused(problem::draining, "The gateway stops."));
    });
    if (first)
      parts_.loop.spawn(device_cache::read::run(under_way));
    else
      under_way->join(what.deadline, what.caller);
    auto coming = under_way->outcome(parts_.loop, what.deadline, who);
    const auto got = co_await std::move(coming);
    if (who != nullptr && who->happened()) co_return nullptr;
    if (got) co_return *got;
    if (!under_way->given_up())
      co_return refused(problem::upstream_timeout, "The request's time ended before there was an answer.");
  }
}

task<page> devices::ask_podero(std::string path, bool list, dispatch::call_control& control,
                               transport::departure& everybody) {
  const auto space = std::make_unique<dispatch::workspace>();
  dispatch::call call;
  call.what = dispatch::operation::read_devices;
  call.path = path;
  call.control = &control;
  call.caller = &everybody;
  auto sending = parts_.way.send(call, *space);
  auto sent = co_await std::move(sending);
  parts_.cache.done(path);
  device_page made{.stages = space->stages, .upstream_status = space->answer.head.status};
  const auto status = space->answer.head.status;
  if (!sent)
    made.failure = std::move(sent.error());
  else if (status != 200)
    made.failure = upstream_failure(
        call.what, {.status = status, .body = space->answer.body, .retry_after = space->retry_after}, parts_.account);
  else if (!is_usable(space->answer.body, list)) {
    constexpr std::string_view why = "it is not what this path answers";
    parts_.observer.unusable(call.what, why);
    made.failure = unusable_success(call.what, status, why, false);
  } else
    made.body = std::move(space->answer.body);
  made.good_until = parts_.loop.now() + parts_.rules.good_for;
  if (!made.failure && parts_.rules.good_for.count() > 0) {
    // Who gets it later did not wait for it.
    auto kept = made;
    kept.stages = {};
    kept.upstream_status = 0;
    parts_.cache.keep(path, std::make_shared<const device_page>(std::move(kept)));
  }
  co_return std::make_shared<const device_page>(std::move(made));
}

}  // namespace gateway::onboarding
