#include "store/redis_polls.hpp"

#include <algorithm>

namespace gateway::store {

using redis::script_call;
using transport::task;

namespace {

// keys: record. arguments: known number, interval, lease; milliseconds. While another one is at it one looks again
// soon: that it is done is only hinted at.
// -> "found" NUMBER SEALED AGE | "later" LEFT | "yours" TURN
constexpr auto beginning = R"(local function int(n) return string.format('%.0f',n) end
local clock=redis.call('TIME')
local now=clock[1]*1000+math.floor(clock[2]/1000)
local r=redis.call('HMGET',KEYS[1],'number','sealed','at','turn','lease')
local at=tonumber(r[3]) or 0
if at>now then at=now end
if r[1] and r[1]~=ARGV[1] then return {'found',r[1],r[2],int(now-at)} end
local lease=tonumber(r[5]) or 0
if lease>now and lease<=now+ARGV[3] then return {'later',int(math.min(lease-now,1000))} end
if r[3] and at+ARGV[2]>now then return {'later',int(at+ARGV[2]-now)} end
local turn=int(math.max((tonumber(r[4]) or 0)+1,now))
redis.call('HSET',KEYS[1],'turn',turn,'lease',int(now+ARGV[3]))
redis.call('PEXPIRE',KEYS[1],3600000)
return {'yours',turn}
)";

// keys: record. arguments: turn (0: without one), sealed (empty: no answer), channel.
// -> the number of what was kept, 0: nothing was
constexpr auto ending = R"(local function int(n) return string.format('%.0f',n) end
local clock=redis.call('TIME')
local now=clock[1]*1000+math.floor(clock[2]/1000)
local turn=ARGV[1]
if turn=='0' then
  turn=int(math.max((tonumber(redis.call('HGET',KEYS[1],'turn')) or 0)+1,now))
elseif redis.call('HGET',KEYS[1],'turn')~=turn then return '0' end
redis.call('HSET',KEYS[1],'turn',turn,'at',int(now))
redis.call('HDEL',KEYS[1],'lease')
redis.call('PEXPIRE',KEYS[1],3600000)
redis.pcall('PUBLISH',ARGV[3],KEYS[1])
if ARGV[2]=='' then return '0' end
redis.call('HSET',KEYS[1],'number',turn,'sealed',ARGV[2])
return turn
)";

// keys: mark. -> 1 the first time
constexpr auto completing = R"(if redis.call('SET',KEYS[1],'1','NX','PX',259200000) then return 1 end
return 0
)";

std::string whole(time::duration what) {
  return std::to_string(std::chrono::floor<std::chrono::milliseconds>(what).count());
}

}  // namespace

redis_polls::redis_polls(parts given)
    : parts_{std::move(given)},
      base_{parts_.options.prefix + "{" + parts_.options.account + ":" + parts_.seals->fingerprint() + "}:"},
      channel_{hints::channel(parts_.options.prefix)},
      begin_{"poll_begin", beginning},
      end_{"poll_end", ending},
      complete_{"poll_complete", completing} {}

std::string redis_polls::record_of(std::string_view session) const {
  return base_ + "poll:" + parts_.seals->hidden(session);
}

task<poll_turn> redis_polls::begin(std::string session, std::uint64_t known, time::duration interval) {
  const auto record = record_of(session);
  const auto asked_at = parts_.loop.now();
  const script_call call{begin_, {record}, {std::to_string(known), whole(interval), whole(parts_.options.lease)}};
  auto asking = parts_.client.run(call, asked_at + parts_.options.timeout);
  const auto got = co_await std::move(asking);
  if (!got) co_return poll_turn{};
  co_return read(*got, record, asked_at);
}

poll_turn redis_polls::read(const redis::reply& from, const std::string& record, time::instant asked_at) const {
  const auto number = from[1].number();
  if (!number || *number < 0) return {};
  if (from[0].is_text("yours")) return {.is = poll_turn::outcome::yours, .number = static_cast<std::uint64_t>(*number)};
  if (from[0].is_text("later"))
    return {.is = poll_turn::outcome::later, .again = asked_at + std::chrono::milliseconds{*number}};
  const auto age = from[3].number();
  auto body = parts_.seals->unseal(from[2].text(), record);
  // Somebody has changed it: as if there were no store.
  if (!from[0].is_text("found") || !age || !body) return {};
  return {.is = poll_turn::outcome::found,
          .number = static_cast<std::uint64_t>(*number),
          .upstream_body = std::move(*body),
          .age = std::chrono::milliseconds{std::max<std::int64_t>(0, *age)}};
}

task<std::uint64_t> redis_polls::ended(std::string session, std::uint64_t number,
                                       std::optional<std::string> upstream_body) {
  const auto record = record_of(session);
  std::string sealed;
  if (upstream_body) sealed = parts_.seals->seal(*upstream_body, record, parts_.randomness);
  const script_call call{end_, {record}, {std::to_string(number), sealed, channel_}};
  auto telling = parts_.client.run(call, parts_.loop.now() + parts_.options.timeout);
  const auto got = co_await std::move(telling);
  const auto kept = got ? got->number() : std::nullopt;
  co_return kept ? static_cast<std::uint64_t>(*kept) : 0;
}

task<bool> redis_polls::changed(std::string session, time::instant until) {
  auto waiting = parts_.hints.wait(record_of(session), until);
  co_await std::move(waiting);
  co_return true;
}

task<bool> redis_polls::completed_first(std::string session) {
  const auto mark = base_ + "completed:" + parts_.seals->hidden(session);
  const script_call call{complete_, {mark}, {}};
  auto asking = parts_.client.run(call, parts_.loop.now() + parts_.options.timeout);
  const auto got = co_await std::move(asking);
  const auto first = got ? got->number() : std::nullopt;
  co_return first == 1;
}

}  // namespace gateway::store
