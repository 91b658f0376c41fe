#include "onboarding/users.hpp"

#include "foundation/json/canonical.hpp"
#include "onboarding/claim_lease.hpp"
#include "onboarding/key_failures.hpp"
#include "onboarding/upstream_failure.hpp"
#include "onboarding/user.hpp"
#include "store/polling.hpp"

namespace gateway::onboarding {

using errors::failure;
using errors::problem;
using transport::task;

namespace {

// A caller's keys for users are others than its keys for sessions: no key that comes in has such a beginning.
std::string record_name(std::string_view key) {
  return "\nuser " + std::string{key};
}

failure not_in_time() {
  failure f;
  f.id = problem::upstream_timeout;
  f.detail = "The request's time ended before there was an answer.";
  return f;
}

}  // namespace

errors::failure no_org_id(std::string_view account) {
  failure f;
  f.id = problem::not_configured;
  f.detail = "Users and devices need accounts." + std::string{account} + ".org_id in the gateway's configuration.";
  return f;
}

// Records what is sent before it goes out.
class users::recorded final : public dispatch::journey {
 public:
  recorded(transport::loop& loop, store::records& records, const store::hold& key) noexcept
      : loop_{loop}, records_{records}, key_{key} {}

  task<std::optional<failure>> about_to_send() override {
    auto saying = records_.sending(key_, loop_.now() + lease);
    const auto answer = co_await std::move(saying);
    if (answer != store::said::yes) co_return not_recorded(answer);
    co_return std::nullopt;
  }
  void had_no_effect() override {
    loop_.spawn([](store::records& records, store::hold what) -> task<> {
      auto taking = records.taken_back(std::move(what));
      co_await std::move(taking);
    }(records_, key_));
  }

 private:
  // What was sent is waited for so long.
  static constexpr auto lease = std::chrono::seconds{90};
  transport::loop& loop_;
  store::records& records_;
  const store::hold& key_;
};

task<users::made> users::create(user_request what, workspace& space, std::string& out) {
  if (!parts_.org_id) co_return std::unexpected{no_org_id(parts_.account)};
  if (auto composed = compose_user(what.body, what.unknown, space.memory, space.upstream_body); !composed)
    co_return std::unexpected{std::move(composed.error())};
  struct count {
    std::atomic<std::size_t>& of;
    explicit count(std::atomic<std::size_t>& cell) : of{cell} { ++of; }
    ~count() { --of; }
    count(const count&) = delete;
    count& operator=(const count&) = delete;
  } const under_way{parts_.under_way};
  auto creating = what.idempotency_key ? create_keyed(what, space, out) : send(what, nullptr, space, out);
  auto got = co_await std::move(creating);
  co_return got;
}

// The key is this request's, or says what there is to answer.
task<std::expected<store::claim, failure>> users::claim(const user_request& what, store::key_name name,
                                                        store::digest digest, transport::departure* caller,
                                                        std::shared_ptr<store::asking> by) {
  store::polling pace;
  for (;;) {
    auto claiming = parts_.records.claim_key(name, digest, parts_.loop.now() + claim_lease::length, by);
    auto got = co_await std::move(claiming);
    switch (got.is) {
      case store::claim::outcome::yours:
      case store::claim::outcome::done:
        co_return got;
      case store::claim::outcome::unknown:
        co_return std::unexpected{outcome_unknown()};
      case store::claim::outcome::other_body:
        co_return std::unexpected{other_body()};
      case store::claim::outcome::full:
        co_return std::unexpected{no_room(got.room_at - parts_.loop.now())};
      case store::claim::outcome::away:
        co_return std::unexpected{store_away()};
      case store::claim::outcome::busy:
        break;
    }
    if (parts_.loop.now() >= what.deadline || (caller != nullptr && caller->happened()))
      co_return std::unexpected{in_progress()};
    auto waiting = change(name, std::min(what.deadline, parts_.loop.now() + pace.next()));
    co_await transport::unless_gone(std::move(waiting), caller);
  }
}

task<bool> users::change(store::key_name name, time::instant until) {
  auto changing = parts_.records.changed(parts_.loop, std::move(name), until);
  co_await std::move(changing);
  co_return true;
}

task<users::made> users::create_keyed(const user_request& what, workspace& space, std::string& out) {
  const store::key_name name{what.caller, record_name(*what.idempotency_key)};
  const auto by = std::make_shared<store::asking>();
  const auto digest = json::canonical_digest(what.body);
  auto claiming = claim(what, name, digest, space.caller, by);
  auto claimed = co_await std::move(claiming);
  if (!claimed) co_return std::unexpected{std::move(claimed.error())};
  if (claimed->is == store::claim::outcome::done) {
    out = std::move(claimed->answer.body);
    co_return user_answer{.status = claimed->answer.status, .replayed = true};
  }
  const store::hold mine{.name = name, .of = digest, .token = claimed->token, .by = by};
  recorded way{parts_.loop, parts_.records, mine};
  auto end = std::optional<made>{};
  {
    const claim_lease kept{parts_.loop, parts_.records, mine};
    auto sending = send(what, &way, space, out);
    end = co_await std::move(sending);
  }
  if (*end) {
    auto keeping = parts_.records.finished(mine, {(*end)->status, {}, out});
    co_await std::move(keeping);
  } else if (end->error().effect == errors::effect::none) {
    auto releasing = parts_.records.released(mine);
    co_await std::move(releasing);
  } else {
    auto losing = parts_.records.lost(mine);
    co_await std::move(losing);
  }
  co_return std::move(*end);
}

task<users::made> users::send(const user_request& what, dispatch::journey* watch, workspace& space, std::string& out) {
  const auto path = "/org/" + *parts_.org_id + "/users";
  dispatch::call call;
  call.what = dispatch::operation::create_user;
  call.path = path;
  call.body = space.upstream_body;
  call.deadline = what.deadline;
  call.caller_index = what.caller;
  call.watch = watch;
  call.caller = space.caller;
  if (parts_.loop.now() >= what.deadline) co_return std::unexpected{not_in_time()};
  auto sending = parts_.way.send(call, space.way);
  auto sent = co_await std::move(sending);
  if (!sent) co_return std::unexpected{std::move(sent.error())};
  const auto& answer = space.way.answer;
  const auto status = answer.head.status;
  if (status < 200 || status >= 300)
    co_return std::unexpected{upstream_failure(
        call.what, {.status = status, .body = answer.body, .retry_after = space.way.retry_after}, parts_.account)};
  const auto id = read_user(answer.body, space.memory);
  if (!id) co_return std::unexpected{unusable_success(call.what, status, id.error(), false)};
  out = answer.body;
  co_return user_answer{};
}

}  // namespace gateway::onboarding
