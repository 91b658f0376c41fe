#include "store/redis/client.hpp"

#include <algorithm>
#include <utility>

namespace gateway::store::redis {

using transport::task;

namespace {

outcome unreachable() {
  return outcome{std::unexpect, trouble{.what = trouble::kind::unreachable,
                                        .written = false,
                                        .code = {},
                                        .reason = "there is no connection to Redis"}};
}

}  // namespace

client::client(parts given)
    : command_timeout_{given.options.command_timeout},
      link_{{.network = std::move(given.network),
             .place = std::move(given.place),
             .identity = std::move(given.identity),
             .options = given.options.link,
             .uniform = std::move(given.uniform),
             .observer = given.observer},
            *this} {}

time::instant client::limit(time::instant deadline) const noexcept {
  return std::min(deadline, link_.loop().now() + command_timeout_);
}

void client::note(std::string_view name, time::instant since, const outcome& what) const noexcept {
  if (!what && what.error().what == trouble::kind::unreachable) return;
  link_.observer().ended(name, link_.loop().now() - since, what ? nullptr : &what.error());
}

task<outcome> client::send(command what, time::instant deadline) {
  auto* on = link_.connection();
  if (on == nullptr) co_return unreachable();
  const auto since = link_.loop().now();
  const auto name = what.name();
  auto answer = co_await on->ask(std::move(what), limit(deadline));
  note(name, since, answer);
  co_return std::move(answer);
}

task<std::vector<outcome>> client::send_all(std::vector<command> batch, time::instant deadline) {
  auto* on = link_.connection();
  if (on == nullptr) co_return std::vector<outcome>(batch.size(), unreachable());
  const auto since = link_.loop().now();
  std::vector<std::string> names;
  names.reserve(batch.size());
  for (const auto& each : batch) names.push_back(each.name());
  auto answers = co_await on->ask_all(std::move(batch), limit(deadline));
  for (std::size_t i = 0; i < names.size(); ++i) note(names[i], since, answers[i]);
  co_return std::move(answers);
}

task<outcome> client::run(script_call what, time::instant deadline) {
  auto* on = link_.connection();
  if (on == nullptr) co_return unreachable();
  const auto since = link_.loop().now();
  const auto until = limit(deadline);
  auto answer = co_await on->ask(what.by_hash(), until);
  if (is_unknown_script(answer)) {
    on = link_.connection();
    if (on == nullptr) co_return unreachable();
    answer = co_await on->ask(what.by_source(), until);
  }
  note(what.what().name(), since, answer);
  co_return std::move(answer);
}

task<std::vector<outcome>> client::run_all(std::vector<script_call> batch, time::instant deadline) {
  auto* on = link_.connection();
  if (on == nullptr) co_return std::vector<outcome>(batch.size(), unreachable());
  const auto since = link_.loop().now();
  const auto until = limit(deadline);
  std::vector<command> commands;
  commands.reserve(batch.size());
  for (const auto& each : batch) commands.push_back(each.by_hash());
  auto answers = co_await on->ask_all(std::move(commands), until);

  std::vector<std::size_t> unknown;
  std::vector<command> again;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!is_unknown_script(answers[i])) continue;
    unknown.push_back(i);
    again.push_back(batch[i].by_source());
  }
  if (!again.empty()) {
    on = link_.connection();
    auto second = std::vector<outcome>(again.size(), unreachable());
    if (on != nullptr) second = co_await on->ask_all(std::move(again), until);
    for (std::size_t i = 0; i < unknown.size(); ++i) answers[unknown[i]] = std::move(second[i]);
  }
  for (std::size_t i = 0; i < batch.size(); ++i) note(batch[i].what().name(), since, answers[i]);
  co_return std::move(answers);
}

}  // namespace gateway::store::redis
