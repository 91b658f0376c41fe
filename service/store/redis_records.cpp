#include "store/redis_records.hpp"

#include <algorithm>

#include "store/polling.hpp"
#include "store/record_forms.hpp"

namespace gateway::store {

using redis::command;
using redis::outcome;
using redis::script_call;
using transport::task;

namespace {

std::string milliseconds(time::duration what) {
  return std::to_string(std::max<std::int64_t>(1, std::chrono::floor<std::chrono::milliseconds>(what).count()));
}

// Names are texts of several parts, none of which holds a zero.
std::string joined(std::string_view kind, std::string_view first, std::string_view second) {
  std::string text{kind};
  text += '\0';
  text += first;
  text += '\0';
  text += second;
  return text;
}

std::string_view bytes(const digest& of) noexcept {
  return {reinterpret_cast<const char*>(of.data()), of.size()};
}

// Somebody waits for the key's answer, or for the key.
bool tells_others(key_event what) noexcept {
  return what == key_event::finish || what == key_event::lose || what == key_event::release;
}

}  // namespace

// Something that is said until it is heard; whoever began it may leave.
struct redis_records::repetition {
  saying what;
  std::optional<said> end{};
  transport::parking* waiter = nullptr;

  void ends(said how) noexcept {
    end = how;
    if (waiter != nullptr) waiter->wake_up();
  }
};

// A session that is being kept for others; whoever made it may leave.
struct redis_records::keeping {
  std::string key;
  std::string session;
  std::string sealed;
  time::duration lifetime{0};
  bool over = false;
  transport::parking* waiter = nullptr;
};

redis_records::redis_records(parts given)
    : parts_{std::move(given)},
      base_{parts_.options.prefix + "{" + parts_.options.account + ":" + parts_.seals->fingerprint() + "}:"},
      index_{base_ + "keys"},
      fence_{base_ + "fence"},
      channel_{hints::channel(parts_.options.prefix)},
      scripts_{make_record_scripts()} {}

// ---------------------------------------------------------------- names

// No name begins with #: one whose name was not given is at least nobody else.
std::string redis_records::caller(std::size_t index) const {
  const auto& names = parts_.options.callers;
  return index < names.size() ? names[index] : "#" + std::to_string(index);
}

// Also what is published when something has become of the key.
std::string redis_records::member_of(const key_name& name) const {
  return base_ + "key:" + parts_.seals->hidden(joined("key", caller(name.caller), name.key));
}

std::string redis_records::body_of(const digest& of) const {
  return parts_.seals->hidden(joined("body", {}, bytes(of)));
}

std::string redis_records::live_key(const live_name& name) const {
  const auto who = name.caller ? "one:" + caller(*name.caller) : std::string{"all"};
  return base_ + "live:" + parts_.seals->hidden(joined("live", who, bytes(name.of)));
}

// When a request's patience with Redis ends: from what it has waited already.
time::instant redis_records::patience(const asking* by) const noexcept {
  const auto spent = by != nullptr ? by->spent() : time::duration::zero();
  return parts_.loop.now() + std::max(time::duration::zero(), parts_.options.timeout - spent);
}

// ---------------------------------------------------------------- keys

task<claim> redis_records::claim_key(key_name name, digest of, time::instant lease_until, std::shared_ptr<asking> by) {
  const auto& options = parts_.options;
  const auto began = parts_.loop.now();
  const auto until = patience(by.get());
  if (until <= began) co_return claim{.is = claim::outcome::away};
  const auto record = member_of(name);
  const script_call call{scripts_.claim,
                         {record, index_, fence_},
                         {record, body_of(of), milliseconds(lease_until - began),
                          milliseconds(options.bounds.retention), std::to_string(options.bounds.keys)}};
  auto asked = parts_.client.run(call, until);
  const auto got = co_await std::move(asked);
  if (by) by->spend(parts_.loop.now() - began);
  if (!got) co_return claim{.is = claim::outcome::away};
  co_return read_claim(*got, record, parts_.loop.now());
}

claim redis_records::read_claim(const redis::reply& from, const std::string& record, time::instant now) {
  const auto number = from[1].number();
  if (from[0].is_text("yours") && number)
    return {.is = claim::outcome::yours, .token = static_cast<std::uint64_t>(*number)};
  if (from[0].is_text("other")) return {.is = claim::outcome::other_body};
  if (from[0].is_text("full") && number)
    return {.is = claim::outcome::full, .room_at = now + std::chrono::milliseconds{*number}};
  if (from[0].is_text("kept") && number) return kept(from, record);
  return {.is = claim::outcome::away};
}

claim redis_records::kept(const redis::reply& from, const std::string& record) {
  const auto state = static_cast<key_state>(*from[1].number());
  if (state == key_state::unknown) return {.is = claim::outcome::unknown};
  if (state != key_state::done) return {.is = claim::outcome::busy, .sent = state == key_state::sent};
  const auto clear = parts_.seals->unseal(from[2].text(), record);
  auto answer = clear ? read_answer(*clear) : std::nullopt;
  if (answer) return {.is = claim::outcome::done, .answer = std::move(*answer)};
  parts_.observer.unreadable();
  return {.is = claim::outcome::unknown};
}

script_call redis_records::call_of(const saying& what) const {
  const auto record = member_of(what.what.name);
  return {scripts_.tell,
          {record, index_},
          {record, std::to_string(static_cast<unsigned>(what.event)), std::to_string(what.what.token),
           std::to_string(what.step), what.lease > time::duration::zero() ? milliseconds(what.lease) : "0", what.answer,
           tells_others(what.event) ? std::string_view{channel_} : std::string_view{}, body_of(what.what.of),
           milliseconds(parts_.options.bounds.retention)}};
}

task<said> redis_records::tell(saying what, time::instant deadline) {
  auto asked = parts_.client.run(call_of(what), deadline);
  const auto got = co_await std::move(asked);
  if (!got) co_return said::away;
  co_return got->number() == 1 ? said::yes : said::no;
}

task<said> redis_records::tell_within_patience(saying what) {
  const auto by = what.what.by;
  const auto began = parts_.loop.now();
  const auto until = patience(by.get());
  if (until <= began) co_return said::away;
  auto telling = tell(std::move(what), until);
  const auto got = co_await std::move(telling);
  if (by) by->spend(parts_.loop.now() - began);
  co_return got;
}

// In no order, since it changes no state; nor has anybody to wait for it.
task<said> redis_records::renewed(hold what, time::instant lease_until) {
  const auto now = parts_.loop.now();
  auto telling = tell({.what = std::move(what), .event = key_event::renew, .lease = lease_until - now},
                      now + parts_.options.timeout);
  const auto got = co_await std::move(telling);
  co_return got;
}

task<said> redis_records::sending(hold what, time::instant lease_until) {
  const auto step = what.by->next_step();
  auto telling = tell_within_patience(
      {.what = std::move(what), .event = key_event::send, .step = step, .lease = lease_until - parts_.loop.now()});
  const auto got = co_await std::move(telling);
  co_return got;
}

// Never repeated: `sent` is the safe thing to be recorded, and what is sent next is allowed from there as well.
task<said> redis_records::taken_back(hold what) {
  const auto step = what.by->next_step();
  auto telling = tell({.what = std::move(what), .event = key_event::take_back, .step = step},
                      parts_.loop.now() + parts_.options.timeout);
  const auto got = co_await std::move(telling);
  co_return got;
}

task<said> redis_records::finished(hold what, kept_answer answer) {
  auto sealed = parts_.seals->seal(written(answer), member_of(what.name), parts_.randomness);
  const auto step = what.by->next_step();
  auto telling = tell_again_and_again(
      {.what = std::move(what), .event = key_event::finish, .step = step, .answer = std::move(sealed)});
  const auto got = co_await std::move(telling);
  co_return got;
}

task<said> redis_records::lost(hold what) {
  const auto step = what.by->next_step();
  auto telling = tell_again_and_again({.what = std::move(what), .event = key_event::lose, .step = step});
  const auto got = co_await std::move(telling);
  co_return got;
}

task<said> redis_records::released(hold what) {
  const auto step = what.by->next_step();
  auto telling = tell_again_and_again({.what = std::move(what), .event = key_event::release, .step = step});
  const auto got = co_await std::move(telling);
  co_return got;
}

// The first time it is waited for, while the request has patience; then it goes on by itself.
task<said> redis_records::tell_again_and_again(saying what) {
  const auto by = what.what.by;
  if (repeating_ >= parts_.options.most_repeated) {
    const auto event = what.event;
    auto telling = tell_within_patience(std::move(what));
    const auto once = co_await std::move(telling);
    if (once == said::away) parts_.observer.not_recorded(event);
    co_return once;
  }
  const auto job = std::make_shared<repetition>(std::move(what));
  const auto began = parts_.loop.now();
  const auto until = patience(by.get());
  parts_.loop.spawn(repeat(*this, job));
  if (!job->end && until > began) {
    transport::parking place{parts_.loop.ready()};
    struct departure {
      repetition& of;
      ~departure() { of.waiter = nullptr; }
    } const on_leaving{*job};
    job->waiter = &place;
    co_await place.wait(parts_.loop.deadlines(), until);
  }
  if (by) by->spend(parts_.loop.now() - began);
  co_return job->end.value_or(said::away);
}

task<> redis_records::repeat(redis_records& self, std::shared_ptr<repetition> job) {
  struct counted {
    std::size_t& all;
    explicit counted(std::size_t& of) noexcept : all{of} { ++all; }
    ~counted() { --all; }
  } const one_more{self.repeating_};
  const auto& options = self.parts_.options;
  const auto end = self.parts_.loop.now() + options.repeat_for;
  polling pace{std::chrono::milliseconds{100}, std::chrono::seconds{2}};
  for (;;) {
    auto telling = self.tell(job->what, self.parts_.loop.now() + options.timeout);
    const auto got = co_await std::move(telling);
    if (got != said::away) co_return job->ends(got);
    const auto pause = pace.next();
    if (self.parts_.loop.now() + pause >= end) break;
    auto resting = self.rest(pause);
    co_await std::move(resting);
  }
  self.parts_.observer.not_recorded(job->what.event);
  job->ends(said::away);
}

task<bool> redis_records::rest(time::duration how_long) {
  transport::parking place{parts_.loop.ready()};
  co_await place.wait(parts_.loop.deadlines(), parts_.loop.now() + how_long);
  co_return true;
}

task<> redis_records::changed(transport::loop& /*here*/, key_name name, time::instant until) {
  auto waiting = parts_.hints.wait(member_of(name), until);
  co_await std::move(waiting);
}

// ---------------------------------------------------------------- live sessions

task<std::optional<live_session>> redis_records::live(live_name name, std::shared_ptr<asking> by) {
  const auto began = parts_.loop.now();
  const auto until = patience(by.get());
  if (until <= began) co_return std::nullopt;
  const auto key = live_key(name);
  auto asked = parts_.client.send(command{"HGET", key, "sealed"}, until);
  const auto got = co_await std::move(asked);
  if (by) by->spend(parts_.loop.now() - began);
  if (!got || got->is_nil()) co_return std::nullopt;
  const auto clear = parts_.seals->unseal(got->text(), key);
  auto found = clear ? read_live(*clear) : std::nullopt;
  if (!found) parts_.observer.unreadable();
  co_return found;
}

task<> redis_records::keep_live(live_name name, live_session what, time::instant until, std::shared_ptr<asking> by) {
  const auto began = parts_.loop.now();
  if (until <= began) co_return;
  const auto job = std::make_shared<keeping>();
  job->key = live_key(name);
  job->session = parts_.seals->hidden(joined("session", {}, what.session));
  job->sealed = parts_.seals->seal(written(what), job->key, parts_.randomness);
  job->lifetime = until - began;
  const auto patient_until = patience(by.get());
  parts_.loop.spawn(keep(*this, job));
  if (!job->over && patient_until > began) {
    transport::parking place{parts_.loop.ready()};
    struct departure {
      keeping& of;
      ~departure() { of.waiter = nullptr; }
    } const on_leaving{*job};
    job->waiter = &place;
    co_await place.wait(parts_.loop.deadlines(), patient_until);
  }
  if (by) by->spend(parts_.loop.now() - began);
}

task<> redis_records::keep(redis_records& self, std::shared_ptr<keeping> job) {
  const script_call call{self.scripts_.keep_live,
                         {job->key, self.base_ + "session:" + job->session},
                         {job->session, job->sealed, milliseconds(job->lifetime)}};
  auto asked = self.parts_.client.run(call, self.parts_.loop.now() + self.parts_.options.timeout);
  co_await std::move(asked);
  job->over = true;
  if (job->waiter != nullptr) job->waiter->wake_up();
}

task<> redis_records::end_live(std::string session) {
  const auto hidden = parts_.seals->hidden(joined("session", {}, session));
  auto looking = parts_.client.send(command{"GET", base_ + "session:" + hidden}, patience(nullptr));
  const auto found = co_await std::move(looking);
  if (!found || found->is_nil()) co_return;
  const script_call call{scripts_.end_live, {found->text()}, {hidden}};
  auto ending = parts_.client.run(call, patience(nullptr));
  co_await std::move(ending);
}

}  // namespace gateway::store
