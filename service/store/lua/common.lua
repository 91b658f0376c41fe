-- What several replicas count together: windows, slots and pauses of one domain. Every script begins with this.
--
-- Instants are whole microseconds of this server's clock, lengths are microseconds: a double holds them exactly.
--   KEYS[1]  hash: `epoch`, `run`, `since`, `changes`; `pace:ACCOUNT`; `lease:NUMBER`; and per ring, under its key, what
--            open_ring() reads
--   KEYS[2]  hash: slot id -> account, session, since, until, holders; one a line
--   KEYS[3]  and further: rings, lists of "T:id", T never falling: one entry per permit, at the instant reserved for it
--   ARGV[1]  a fresh random epoch, should one be needed     ARGV[2]  the run id of the server as the caller knows it
--   ARGV[3]  the recovery cap      ARGV[4]  how far ahead permits are reserved     ARGV[5] and further: the script's own
-- Every reply begins with now and the epoch.

local clock = @CLOCK@
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local meta, slots = KEYS[1], KEYS[2]
local fresh, run, cap, reach = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local function text(number) return string.format('%.0f', number) end

local function split(of, by)
  local parts = {}
  for part in string.gmatch(of, '([^' .. by .. ']*)' .. by .. '?') do parts[#parts + 1] = part end
  if parts[#parts] == '' then parts[#parts] = nil end -- Lua 5.1 finds an empty match at the end
  return parts
end

-- What was counted before now may be gone. Leases stay unknown for as long as one may last (lease.lua).
local function lose()
  redis.call('HSET', meta, 'epoch', fresh, 'run', run, 'since', text(now))
  redis.call('HINCRBY', meta, 'changes', 1)
  return fresh, now
end

-- Beyond that the clock itself is in doubt, so none of the instants means anything.
local function lose_all()
  redis.call('DEL', slots)
  for i = 3, #KEYS do
    redis.call('DEL', KEYS[i])
    redis.call('HDEL', meta, KEYS[i])
  end
  for _, field in ipairs(redis.call('HKEYS', meta)) do
    if string.sub(field, 1, 5) == 'pace:' then redis.call('HDEL', meta, field) end
  end
  return lose()
end

local head = redis.call('HMGET', meta, 'epoch', 'run', 'since')
local epoch, since = head[1], tonumber(head[3] or 0)
-- A server that was started again may have forgotten the last of what it was told.
if not epoch or head[2] ~= run then epoch, since = lose() end

-- ---------------------------------------------------------------- pace: store/pace.cpp in microseconds

local pace_step, pace_longest, pace_noticeable = 30000000, 8, 1.05

local function halved(factor)
  local next_one = 1 + (factor - 1) / 2
  return next_one < pace_noticeable and 1 or next_one
end

local function read_pace(account)
  local packed = redis.call('HGET', meta, 'pace:' .. account)
  if not packed then return {until_ = 0, worst = 1} end
  local parts = split(packed, ' ')
  return {until_ = tonumber(parts[1]), worst = tonumber(parts[2])}
end

local function slow_down(pace)
  local factor, at = pace.worst, pace.until_ + pace_step
  while factor > 1 and at <= now do factor, at = halved(factor), at + pace_step end
  return factor
end

-- When what went at `stamp` has left a window; not before `floor`.
local function left(pace, stamp, per, stretch, floor)
  if pace then
    local factor, ends = pace.worst, pace.until_ + pace_step
    while factor > 1 do
      if ends > floor then
        local at = math.max(stamp + math.floor(per * factor) + stretch, floor)
        if at < ends then return at end
        floor = ends
      end
      factor, ends = halved(factor), ends + pace_step
    end
  end
  return math.max(stamp + per + stretch, floor)
end

-- ---------------------------------------------------------------- rings

local function instant_of(entry) return tonumber(string.match(entry, '^(%d+)')) end

-- "RATE/PER/STRETCH,..." Windows of other versions than the caller's have no place.
local function add_windows(ring, version, own)
  local place = 0
  for rate, per, stretch in string.gmatch(version, '(%d+)/(%d+)/(%d+)') do
    local one = {rate = tonumber(rate), per = tonumber(per), stretch = tonumber(stretch), place = own and place or -1}
    ring.windows[#ring.windows + 1] = one
    ring.largest = math.max(ring.largest, one.rate)
    ring.longest = math.max(ring.longest, one.per + one.stretch)
    place = place + 1
  end
end

local function longest_of(version)
  local longest = 0
  for per, stretch in string.gmatch(version, '%d+/(%d+)/(%d+)') do
    longest = math.max(longest, tonumber(per) + tonumber(stretch))
  end
  return longest
end

-- Under the ring's key in the hash: "SINCE DROPPED GENERATION APPENDED", then "|VERSION@LAST" per version of its windows.
--   since       before that nothing is known of it
--   dropped     up to that it has forgotten entries that it knew: what is asked of then counts as full
--   generation  changes when entries do otherwise than by being appended;  appended: how many ever were
-- Versions stay in force for as long as something that was sent under one of them can matter to any.
local version_noted = 1000000
-- And a share for when this server is away may be used by a lease that was given under it: shared_options.lease.
local lease_use = 600000000

local function open_ring(key, version)
  local ring = {key = key, since = now, dropped = 0, generation = 0, appended = 0, versions = {}, windows = {},
                largest = 0, longest = 0, changed = false}
  local packed = redis.call('HGET', meta, key)
  local parts = packed and split(packed, '|') or {}
  if packed then
    local numbers = split(parts[1], ' ')
    ring.since, ring.dropped = tonumber(numbers[1]), tonumber(numbers[2])
    ring.generation, ring.appended = tonumber(numbers[3]), tonumber(numbers[4])
  else
    ring.changed = true
  end
  local longest = version and longest_of(version) or 0
  for i = 2, #parts do longest = math.max(longest, longest_of(split(parts[i], '@')[1])) end
  if version then add_windows(ring, version, true) end
  for i = 2, #parts do
    local one = split(parts[i], '@')
    local last = tonumber(one[2])
    if one[1] == version then
      ring.versions[version] = last
    elseif now - last <= longest + reach + version_noted + lease_use then
      ring.versions[one[1]] = last
      add_windows(ring, one[1], false)
    else
      ring.changed = true
    end
  end
  if version and now - (ring.versions[version] or 0) > version_noted then
    ring.versions[version] = now
    ring.changed = true
  end
  local newest = redis.call('LINDEX', key, -1)
  ring.last = newest and instant_of(newest) or 0
  return ring
end

local function save_ring(ring)
  if not ring.changed then return end
  local parts = {table.concat({text(ring.since), text(ring.dropped), text(ring.generation), text(ring.appended)}, ' ')}
  for version, last in pairs(ring.versions) do parts[#parts + 1] = version .. '@' .. text(last) end
  redis.call('HSET', meta, ring.key, table.concat(parts, '|'))
end

-- Forgets what no window can ask for, also if later entries are taken back: older than the longest, and beyond the
-- largest. So memory is bounded, and what is forgotten never lies within a window.
local function trim(ring)
  local surplus = redis.call('LLEN', ring.key) - ring.largest
  local count = 0
  while count < surplus do
    local oldest = instant_of(redis.call('LINDEX', ring.key, count))
    if oldest > now - ring.longest then break end
    ring.dropped = math.max(ring.dropped, oldest)
    count = count + 1
  end
  if count > 0 then
    redis.call('LTRIM', ring.key, count, -1)
    ring.changed = true
  end
end

-- ---------------------------------------------------------------- slots

local function changed() redis.call('HINCRBY', meta, 'changes', 1) end

local function pack_slot(one)
  return table.concat({one.account, one.session, text(one.since), text(one.until_), unpack(one.holders)}, '\n')
end

-- Held slots, in the order of their ends; those whose time is over are free from now on.
local function read_slots()
  local held = {}
  local all = redis.call('HGETALL', slots)
  for i = 1, #all, 2 do
    local account, session, from, to, rest = string.match(all[i + 1], '^([^\n]*)\n([^\n]*)\n(%d+)\n(%d+)(.*)$')
    local one = {id = all[i], account = account, session = session, since = tonumber(from), until_ = tonumber(to),
                 holders = {}}
    for holder in string.gmatch(rest, '\n([^\n]*)') do one.holders[#one.holders + 1] = holder end
    if one.until_ > now then
      held[#held + 1] = one
    else
      redis.call('HDEL', slots, one.id)
      changed()
    end
  end
  table.sort(held, function(a, b) return a.until_ < b.until_ or (a.until_ == b.until_ and a.id < b.id) end)
  return held
end

local function held_by(one, caller)
  for place, holder in ipairs(one.holders) do
    if holder == caller then return place end
  end
end
