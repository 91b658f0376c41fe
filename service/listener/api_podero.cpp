#include <algorithm>

#include "listener/directives.hpp"
#include "listener/entity_tag.hpp"
#include "listener/postponed.hpp"
#include "listener/request_scratch.hpp"
#include "listener/server_timing.hpp"

// Users and devices at Podero.
namespace gateway::listener {

using errors::problem;
using transport::task;

task<> api::create_user(exchange& x, request_scratch& mine) {
  const auto& account = parts_.accounts[mine.account->account_index];
  const auto& policy = *mine.rules->policies[mine.caller->index][mine.account->account_index];
  onboarding::user_request what{.caller = mine.caller->index,
                                .body = x.body,
                                .unknown = policy.rules().unknown_members,
                                .deadline = mine.deadline,
                                .idempotency_key = {}};
  if (mine.keyed) what.idempotency_key = mine.key;
  auto creating = account.users->create(what, mine.space, x.reply.body);
  const auto done = co_await std::move(creating);
  if (done) {
    x.reply.status = done->status;
    x.effect = done->replayed ? errors::effect::none : errors::effect::created;
    x.reply.add_line("X-Request-Id", x.request_id.view());
    x.reply.add_line("Cache-Control", "no-store");
    if (done->replayed) x.reply.add_line("Idempotent-Replayed", "true");
  } else {
    answer_with(x, done.error());
  }
  add_preferences(x, mine);
  add_server_timing(x.reply.lines, mine.space.way.stages);
}

task<> api::read_devices(exchange& x, request_scratch& mine) {
  const auto& account = parts_.accounts[mine.account->account_index];
  auto reading = account.devices->read({.caller = mine.caller->index,
                                        .user_id = mine.where.item,
                                        .type = mine.where.devices,
                                        .device_id = mine.where.device,
                                        .fresh = asks_again(x.head.fields),
                                        .deadline = mine.deadline},
                                       mine.space.caller);
  const auto got = co_await std::move(reading);
  if (!got) {
    answer_with(x, caller_left());
    co_return;
  }
  auto& way = mine.space.way;
  way.stages = got->stages;
  way.answer.head.status = got->upstream_status;
  if (got->failure) {
    answer_with(x, *got->failure);
    add_server_timing(x.reply.lines, way.stages);
    co_return;
  }
  const auto tag = entity_tag_of(got->body);
  const bool unchanged = names(none_match_of(x.head.fields), tag);
  const auto left = std::chrono::floor<std::chrono::seconds>(got->good_until - parts_.clock.now());
  x.reply.status = unchanged ? 304 : 200;
  if (!unchanged) x.reply.body = got->body;
  x.reply.add_line("X-Request-Id", x.request_id.view());
  x.reply.add_line("Cache-Control", "private, max-age=" + std::to_string(std::max<long>(0, left.count())));
  x.reply.add_line("ETag", tag);
  add_server_timing(x.reply.lines, way.stages);
}

}  // namespace gateway::listener
