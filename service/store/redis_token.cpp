#include "store/redis_token.hpp"

#include <algorithm>

namespace gateway::store {

using redis::script_call;
using transport::task;

namespace {

// keys: token, lease, fence. arguments: known id, "1" if it was refused, lease.
// -> "found" ID SEALED LIFETIME LEFT | "yours" FENCE NOW | "busy" LEFT | "failed" LEFT SEALED
constexpr auto searching = R"(local function int(n) return string.format('%.0f',n) end
local clock=redis.call('TIME')
local now=clock[1]*1000+math.floor(clock[2]/1000)
local kept=redis.call('HMGET',KEYS[1],'id','sealed','lifetime','expires')
if kept[1] and kept[1]==ARGV[1] and ARGV[2]=='1' then redis.call('DEL',KEYS[1]) end
if kept[1] and kept[1]~=ARGV[1] and tonumber(kept[4])>now then
  return {'found',kept[1],kept[2],kept[3],int(kept[4]-now)}
end
local lease=redis.call('HMGET',KEYS[2],'fence','failed')
if lease[1] then
  local left=int(redis.call('PTTL',KEYS[2]))
  if lease[2] then return {'failed',left,lease[2]} end
  return {'busy',left}
end
if redis.call('EXISTS',KEYS[3])==0 then redis.call('SET',KEYS[3],int(now*1000)) end
local fence=int(redis.call('INCR',KEYS[3]))
redis.call('PEXPIRE',KEYS[3],86400000)
redis.call('HSET',KEYS[2],'fence',fence)
redis.call('PEXPIRE',KEYS[2],ARGV[3])
return {'yours',fence,int(now)}
)";

// keys: token, lease. arguments: fence, id, sealed, lifetime, expires, channel.
constexpr auto keeping = R"(if redis.call('HGET',KEYS[2],'fence')~=ARGV[1] then return 0 end
redis.call('DEL',KEYS[2])
redis.call('HSET',KEYS[1],'id',ARGV[2],'sealed',ARGV[3],'lifetime',ARGV[4],'expires',ARGV[5])
redis.call('PEXPIREAT',KEYS[1],ARGV[5])
redis.pcall('PUBLISH',ARGV[6],KEYS[2])
return 1
)";

// keys: lease. arguments: fence, sealed, milliseconds, channel.
constexpr auto failing = R"(if redis.call('HGET',KEYS[1],'fence')~=ARGV[1] then return 0 end
redis.call('HSET',KEYS[1],'failed',ARGV[2])
redis.call('PEXPIRE',KEYS[1],ARGV[3])
redis.pcall('PUBLISH',ARGV[4],KEYS[1])
return 1
)";

std::int64_t whole(time::duration what) noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(what).count();
}

// A redis error, a reply that is none of ours, a value that somebody has changed: as if there were no store.
token_search none() {
  return {};
}

}  // namespace

redis_token::redis_token(parts given)
    : parts_{std::move(given)},
      channel_{hints::channel(parts_.options.prefix)},
      search_{"token_search", searching},
      keep_{"token_keep", keeping},
      fail_{"token_fail", failing} {}

redis_token::place redis_token::of(const token_owner& who) {
  if (!seals_ || !same(sealed_with_, who.client_secret)) {
    seals_ = std::make_shared<const sealing>(who.client_secret, purpose);
    sealed_with_ = who.client_secret;
  }
  const auto& options = parts_.options;
  const auto whose = options.endpoint + '\0' + who.client_id;
  place at{.seals = seals_};
  at.token = options.prefix + "{" + options.account + ":" + seals_->fingerprint() + "}:token:" + seals_->hidden(whose);
  at.lease = at.token + ":lease";
  at.fence = at.token + ":fence";
  return at;
}

std::string redis_token::id_of(const token_owner& who, const secrets::secret& token) {
  return of(who).seals->hidden(token.reveal());
}

task<token_search> redis_token::search(token_owner who, std::string known, bool refused) {
  const auto at = of(who);
  const auto asked_at = parts_.loop.now();
  const script_call call{search_,
                         {at.token, at.lease, at.fence},
                         {known, refused ? "1" : "0", std::to_string(whole(parts_.options.lease))}};
  auto asking = parts_.client.run(call, asked_at + parts_.options.timeout);
  const auto got = co_await std::move(asking);
  if (!got) co_return none();
  co_return read(*got, at, asked_at);
}

token_search redis_token::read(const redis::reply& from, const place& at, time::instant asked_at) const {
  const auto number = from[1].number();
  if (from[0].is_text("found")) return read_found(from, at, asked_at);
  if (from[0].is_text("failed")) return read_failed(from, at, asked_at);
  if (from[0].is_text("busy") && number)
    return {.is = token_search::outcome::busy, .until = asked_at + std::chrono::milliseconds{*number}};
  const auto began = from[2].number();
  if (from[0].is_text("yours") && number && began)
    return {.is = token_search::outcome::yours,
            .lease = {.fence = static_cast<std::uint64_t>(*number), .began_ms = *began}};
  return none();
}

// What is left counts from when it was asked for: the answer is older than that by nothing.
token_search redis_token::read_found(const redis::reply& from, const place& at, time::instant asked_at) const {
  const auto lifetime = from[3].number();
  const auto left = from[4].number();
  auto token = at.seals->unseal(from[2].text(), at.token);
  if (!token || !lifetime || !left) return none();
  token_search found{.is = token_search::outcome::found};
  found.grant = {.token = secrets::secret{*token},
                 .id = std::string{from[1].text()},
                 .lifetime = std::chrono::milliseconds{*lifetime},
                 // A clock that went back makes nothing last longer than in all.
                 .expiry = asked_at + std::chrono::milliseconds{std::min(*left, *lifetime)}};
  OPENSSL_cleanse(token->data(), token->size());
  return found;
}

token_search redis_token::read_failed(const redis::reply& from, const place& at, time::instant asked_at) const {
  const auto left = from[1].number();
  const auto why = at.seals->unseal(from[2].text(), at.lease);
  if (!left || !why || why->empty()) return none();
  return {.is = token_search::outcome::failed,
          .until = asked_at + std::chrono::milliseconds{*left},
          .refused = why->front() == 'r',
          .reason = why->substr(1)};
}

task<> redis_token::keep(token_owner who, token_lease lease, secrets::secret token, time::duration lifetime) {
  const auto at = of(who);
  const auto lives = whole(lifetime);
  const script_call call{keep_,
                         {at.token, at.lease},
                         {std::to_string(lease.fence), at.seals->hidden(token.reveal()),
                          at.seals->seal(token.reveal(), at.token, parts_.randomness), std::to_string(lives),
                          std::to_string(lease.began_ms + lives), channel_}};
  auto keeping_it = parts_.client.run(call, parts_.loop.now() + parts_.options.timeout);
  co_await std::move(keeping_it);
}

task<> redis_token::failed(token_owner who, token_lease lease, bool refused, std::string reason,
                           time::duration asked_for) {
  const auto at = of(who);
  const auto shared_for = whole(std::max(parts_.options.failure, asked_for));
  const auto why = at.seals->seal((refused ? "r" : "-") + reason, at.lease, parts_.randomness);
  const script_call call{
      fail_,
      {at.lease},
      {std::to_string(lease.fence), why, std::to_string(std::max<std::int64_t>(1, shared_for)), channel_}};
  auto telling = parts_.client.run(call, parts_.loop.now() + parts_.options.timeout);
  co_await std::move(telling);
}

task<> redis_token::changed(token_owner who, time::instant until) {
  auto waiting = parts_.hints.wait(of(who).lease, until);
  co_await std::move(waiting);
}

}  // namespace gateway::store
