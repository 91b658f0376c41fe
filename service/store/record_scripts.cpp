#include "store/record_scripts.hpp"

#include "store/records.hpp"

namespace gateway::store {

namespace {

template <typename Enum>
std::string number(Enum value) {
  return std::to_string(static_cast<unsigned>(value));
}

// `step(event, state)` -> the next state, and whether it is allowed: two digits for each, from the one table.
std::string table() {
  std::string text = "local steps={";
  for (std::size_t what = 0; what < key_events; ++what) {
    text += what == 0 ? "'" : ",'";
    for (std::size_t from = 0; from < key_states; ++from) {
      const auto step = next(static_cast<key_state>(from), static_cast<key_event>(what));
      text += number(step.to) + (step.allowed ? "1" : "0");
    }
    text += "'";
  }
  text += R"(}
local function step(event,state)
  local pair=string.sub(steps[event+1],2*state+1,2*state+2)
  return tonumber(string.sub(pair,1,1)),string.sub(pair,2,2)=='1'
end
)";
  text += "local NONE=" + number(key_state::none) + "\n";
  text += "local CLAIM=" + number(key_event::claim) + "\n";
  text += "local OVERDUE=" + number(key_event::overdue) + "\n";
  return text;
}

// Lua would write large numbers with an exponent.
constexpr auto clock_now = R"(local function int(n) return string.format('%.0f',n) end
local clock=redis.call('TIME')
local now=clock[1]*1000+math.floor(clock[2]/1000)
)";

constexpr auto keeping_keys = R"(local function keep(record,index,member,retention)
  redis.call('PEXPIREAT',record,int(now+retention))
  redis.call('ZADD',index,int(now+retention),member)
  redis.call('PEXPIREAT',index,int(now+retention+60000))
end
)";

// A claim that nobody followed up had no effect: whoever takes it over begins anew. The fence begins at the clock's
// time: where Redis has lost its data, no token of before comes again. It and the index live a little longer than the
// youngest record.
constexpr auto claiming = R"(local record,index,fence=KEYS[1],KEYS[2],KEYS[3]
local member,digest,lease,retention,most=ARGV[1],ARGV[2],ARGV[3],tonumber(ARGV[4]),tonumber(ARGV[5])
redis.call('ZREMRANGEBYSCORE',index,'-inf','('..int(now))
local known=redis.call('HMGET',record,'state','digest','lease','answer')
local state=tonumber(known[1] or NONE)
local event=CLAIM
if state~=NONE and tonumber(known[3])<=now then event=OVERDUE end
local to,allowed=step(event,state)
if not allowed and known[2]~=digest then return {'other'} end
if not allowed then
  if to~=state then redis.call('HSET',record,'state',int(to)) end
  return {'kept',int(to),known[4] or ''}
end
if state==NONE and redis.call('ZCARD',index)>=most then
  local oldest=redis.call('ZRANGE',index,0,0,'WITHSCORES')
  return {'full',int(math.max(0,(tonumber(oldest[2]) or now)-now))}
end
if redis.call('EXISTS',fence)==0 then redis.call('SET',fence,int(now*1000)) end
local token=int(redis.call('INCR',fence))
redis.call('HSET',record,'state',int(to),'digest',digest,'token',token,'step','0','said','','lease',int(now+lease))
keep(record,index,member,retention)
redis.call('PEXPIREAT',fence,int(now+retention+60000))
return {'yours',token}
)";

// A step that was taken already is taken once more by a repetition whose first answer was lost; an older one comes too
// late to mean anything. Where the record is gone, because Redis has lost its data since it was claimed, an outcome is
// written anew, whether or not there is room for it.
constexpr auto telling = R"(local record,index=KEYS[1],KEYS[2]
local member,event,token,order,lease,answer,channel=ARGV[1],tonumber(ARGV[2]),ARGV[3],tonumber(ARGV[4]),tonumber(ARGV[5]),ARGV[6],ARGV[7]
local digest,retention=ARGV[8],tonumber(ARGV[9])
local known=redis.call('HMGET',record,'state','token','step','said')
local state=tonumber(known[1] or NONE)
if state~=NONE and known[2]~=token then return 0 end
local last=tonumber(known[3] or 0)
if order~=0 and order==last and known[4]==ARGV[2] then return 1 end
if order~=0 and order<=last then return 0 end
local to,allowed=step(event,state)
if not allowed then return 0 end
if state==NONE then
  redis.call('HSET',record,'digest',digest,'token',token,'step','0','said','','lease',int(now))
  keep(record,index,member,retention)
end
if to==NONE then
  redis.call('DEL',record)
  redis.call('ZREM',index,member)
else
  redis.call('HSET',record,'state',int(to))
  if order~=0 then redis.call('HSET',record,'step',int(order),'said',ARGV[2]) end
  if lease~=0 then redis.call('HSET',record,'lease',int(now+lease)) end
  if answer~='' then redis.call('HSET',record,'answer',answer) end
end
if channel~='' then redis.pcall('PUBLISH',channel,member) end
return 1
)";

constexpr auto keeping = R"(redis.call('HSET',KEYS[1],'session',ARGV[1],'sealed',ARGV[2])
redis.call('PEXPIRE',KEYS[1],ARGV[3])
redis.call('SET',KEYS[2],KEYS[1],'PX',ARGV[3])
return 1
)";

constexpr auto ending = R"(if redis.call('HGET',KEYS[1],'session')~=ARGV[1] then return 0 end
return redis.call('DEL',KEYS[1])
)";

}  // namespace

record_scripts make_record_scripts() {
  return {.claim = {"key_claim", clock_now + table() + keeping_keys + claiming},
          .tell = {"key_tell", clock_now + table() + keeping_keys + telling},
          .keep_live = {"live_keep", keeping},
          .end_live = {"live_end", ending}};
}

}  // namespace gateway::store
