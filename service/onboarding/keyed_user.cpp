#include "onboarding/keyed_user.hpp"

#include "onboarding/claim_lease.hpp"
#include "onboarding/creation_failures.hpp"
#include "onboarding/key_failures.hpp"
#include "onboarding/key_lookup.hpp"

namespace gateway::onboarding {

using errors::failure;
using transport::task;

keyed_user::keyed_user(users& by, order what) : by_{by}, order_{std::move(what)} {
  key_.name = users::name_of(order_.caller, order_.key);
  key_.of = order_.of;
  space_.trace = order_.trace;
  space_.origin = order_.origin;
}

task<> keyed_user::run(std::shared_ptr<keyed_user> self) {
  // Wherever it ends, also where its loop is abandoned.
  struct ending {
    explicit ending(keyed_user& which) : of{which} { ++of.by_.parts_.under_way; }
    ending(const ending&) = delete;
    ending& operator=(const ending&) = delete;
    keyed_user& of;
    ~ending() {
      of.conclude({.failure = stopped(of.sent_)});
      --of.by_.parts_.under_way;
    }
  } const whatever_happens{*self};
  auto working = self->work();
  auto end = co_await std::move(working);
  end.stages = self->space_.stages;
  end.upstream_status = self->space_.answer.head.status;
  self->conclude(std::move(end));
}

task<user_end> keyed_user::work() {
  auto& parts = by_.parts_;
  auto claiming = claim_when_free(
      parts.loop, parts.records, key_.name, key_.of, [this] { return order_.deadline; }, left_, sent_elsewhere_);
  auto got = co_await std::move(claiming);
  auto& key = got.key;
  if (key.is == store::claim::outcome::busy) co_return user_end{.failure = in_progress(key.sent)};
  if (key.is == store::claim::outcome::done)
    co_return user_end{.answer = {.status = key.answer.status, .replayed = true}, .body = std::move(key.answer.body)};
  if (key.is != store::claim::outcome::yours) co_return user_end{.failure = refusal_of(key, parts.loop.now())};
  key_.token = key.token;
  key_.by = std::move(got.by);
  ours_ = true;
  auto creating = create();
  auto end = co_await std::move(creating);
  auto recording = record(end);
  co_await std::move(recording);
  co_return end;
}

task<user_end> keyed_user::create() {
  const claim_lease kept{by_.parts_.loop, by_.parts_.records, key_};
  user_end end;
  auto sending = by_.send({.caller = order_.caller,
                           .key = order_.key,
                           .upstream_body = order_.upstream_body,
                           .deadline = order_.deadline,
                           .watch = this,
                           .who = &left_},
                          space_, end.body);
  auto sent = co_await std::move(sending);
  if (sent)
    end.answer = *sent;
  else
    end.failure = std::move(sent.error());
  co_return end;
}

// After the fact: where the store is away it goes on trying by itself, and the answer is given all the same.
task<> keyed_user::record(const user_end& end) {
  auto& records = by_.parts_.records;
  const bool without_effect = end.failure && end.failure->effect == errors::effect::none;
  auto saying = !end.failure     ? records.finished(key_, {end.answer.status, {}, end.body})
                : without_effect ? records.released(key_)
                                 : records.lost(key_);
  co_await std::move(saying);
}

task<std::optional<failure>> keyed_user::about_to_send() {
  // What was sent is waited for so long.
  constexpr auto lease = std::chrono::seconds{90};
  auto saying = by_.parts_.records.sending(key_, by_.parts_.loop.now() + lease);
  const auto answer = co_await std::move(saying);
  if (answer != store::said::yes) co_return not_recorded(answer);
  sent_ = true;
  co_return std::nullopt;
}

void keyed_user::had_no_effect() {
  sent_ = false;
  by_.parts_.loop.spawn([](store::records& records, store::hold what) -> task<> {
    auto taking = records.taken_back(std::move(what));
    co_await std::move(taking);
  }(by_.parts_.records, key_));
}

void keyed_user::deserted() {
  if (!sent_) left_.happen(by_.parts_.loop.ready());
}

}  // namespace gateway::onboarding
