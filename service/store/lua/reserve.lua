-- Reserves up to as many permits as are wanted, each over all the rings, within reach of now; and tells the caller's
-- mirror what it does not know yet. None wanted: only tells.
--   ARGV[5]  the epoch that the mirror knows    [6] the `changes` that it knows
--   ARGV[7]  account of the permits             [8] their caller
--   ARGV[9]  slots in all; 0: no slot is taken  [10] a slot's time to live   [11] the caller's own most slots, or -1
--   ARGV[12] how many accounts follow: their names, whose pace is told
--   then per ring: its windows "RATE/PER/STRETCH,...", the account that paces it or "", the generation and the count of
--   entries that the mirror knows; then the ids of the permits wanted
-- Replies now, epoch, {T of each permit}, {next possible T, what binds, ring from 0, its window from 0, or -1} or {},
--   {per ring: generation, appended, 1 if it is told from the beginning and 2 more if not to its end yet (then `appended`
--   is up to where), before when nothing is known, "T T ..."},
--   {per account: until, worst}, changes, and if they are others than the mirror's the slots as {id, account, session,
--   since, until, {holders}}

local known_epoch, known_changes = ARGV[5], ARGV[6]
local account, caller = ARGV[7], ARGV[8]
local total, time_to_live, own_most = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local argument = 12
local function next_argument()
  argument = argument + 1
  return ARGV[argument]
end

local accounts = {}
for _ = 1, tonumber(ARGV[12]) do accounts[#accounts + 1] = next_argument() end

local function open_all()
  local at, opened = argument, {}
  for i = 3, #KEYS do
    local ring = open_ring(KEYS[i], next_argument())
    local pacer = next_argument()
    ring.pace = pacer ~= '' and read_pace(pacer) or nil
    ring.known_generation, ring.known_appended = next_argument(), tonumber(next_argument())
    opened[#opened + 1] = ring
  end
  return opened, at
end

local rings, began = open_all()
for _, ring in ipairs(rings) do
  -- Nobody reserves so far ahead: the clock was set back.
  if ring.last > now + reach + 1000000 then
    epoch, since = lose_all()
    argument = began
    rings = open_all()
    break
  end
end

-- What the mirror lacks, the oldest first and no more at once than takes a few milliseconds: the next call tells the
-- rest. What is reserved below it hears of by the reply itself.
local most_told = 5000
local function tell(ring)
  local length = redis.call('LLEN', ring.key)
  local missing = ring.appended - ring.known_appended
  local all = known_epoch ~= epoch or ring.known_generation ~= text(ring.generation) or missing < 0 or missing > length
  local count = all and math.min(length, ring.largest) or missing
  local left = math.max(0, count - most_told)
  local stamps = {}
  if count > 0 then
    for _, entry in ipairs(redis.call('LRANGE', ring.key, -count, -left - 1)) do
      stamps[#stamps + 1] = string.match(entry, '^(%d+)')
    end
  end
  ring.told = {(all and 1 or 0) + (left > 0 and 2 or 0), table.concat(stamps, ' ')}
  if left > 0 then ring.told_to = ring.appended - left end
end
for _, ring in ipairs(rings) do tell(ring) end

local held = read_slots()

-- When a slot is free for the permit, and what binds.
local function slot_opens()
  if total == 0 then return now end
  local recovered = since + reach + math.min(time_to_live, cap)
  local at, why = now, ''
  if recovered > now then at, why = recovered, 'slots' end
  if #held >= total then
    local ends = held[#held - total + 1].until_
    if ends > at then at, why = ends, 'slots' end
  end
  if own_most >= 0 then
    local mine = {}
    for _, one in ipairs(held) do
      if one.account == account and held_by(one, caller) then mine[#mine + 1] = one end
    end
    if #mine >= own_most then
      local ends = own_most == 0 and now + time_to_live or mine[#mine - own_most + 1].until_
      if ends > at then at, why = ends, 'own_slots' end
    end
  end
  return at, why
end

-- The latest of what keeps a permit back: instant, what, ring, window.
local function opens()
  local floor = now
  for _, ring in ipairs(rings) do floor = math.max(floor, ring.last) end
  local at, why, of, window = floor, '', 0, 0
  local function offer(when, what, ring, place)
    if when > at then at, why, of, window = when, what, ring, place end
  end
  for number, ring in ipairs(rings) do
    local unknown = math.max(since, ring.since) + reach
    for _, one in ipairs(ring.windows) do
      -- Before that anything may have been sent: full, for no longer than the cap, and for what this clock may be slewed
      -- in that time: a thousandth, as the window's stretch has it for the whole window.
      local length = math.min(one.per, cap)
      local stretch = math.max(0, one.stretch - math.floor((one.per - length) / 1000))
      offer(left(ring.pace, unknown, length, stretch, floor), 'window', number - 1, one.place)
      local nth = redis.call('LINDEX', ring.key, -one.rate)
      local stamp = nth and instant_of(nth) or ring.dropped
      if one.rate == 0 then stamp = floor end
      if stamp > 0 then offer(left(ring.pace, stamp, one.per, one.stretch, floor), 'window', number - 1, one.place) end
    end
  end
  offer(read_pace(account).until_, 'pause', 0, 0)
  return at, why, of, window
end

local granted, coming = {}, {}
for i = argument + 1, #ARGV do
  local id = ARGV[i]
  local at, why, of, window = opens()
  -- A slot is free, or it is not: that one will be soon is not enough.
  local free, lacks = slot_opens()
  if at > now + reach or free > now then
    if free > at then at, why, of, window = free, lacks, 0, 0 end
    coming = {text(at), why, of, window}
    break
  end
  for _, ring in ipairs(rings) do
    redis.call('RPUSH', ring.key, text(at) .. ':' .. id)
    ring.last, ring.appended, ring.changed = at, ring.appended + 1, true
  end
  if total > 0 then
    local one = {id = id, account = account, session = '', since = at, until_ = at + time_to_live, holders = {caller}}
    redis.call('HSET', slots, id, pack_slot(one))
    changed()
    held[#held + 1] = one
  end
  granted[#granted + 1] = text(at)
end

local told = {}
for _, ring in ipairs(rings) do
  trim(ring)
  save_ring(ring)
  told[#told + 1] = {text(ring.generation), text(ring.told_to or ring.appended), ring.told[1], text(math.max(since, ring.since)),
                     ring.told[2]}
end

local paces = {}
for _, name in ipairs(accounts) do
  local pace = read_pace(name)
  paces[#paces + 1] = {text(pace.until_), string.format('%.17g', pace.worst)}
end

local changes = redis.call('HGET', meta, 'changes') or '0'
local reply = {text(now), epoch, granted, coming, told, paces, changes}
if changes ~= known_changes or known_epoch ~= epoch then
  local all = {}
  for _, one in ipairs(held) do
    all[#all + 1] = {one.id, one.account, one.session, text(one.since), text(one.until_), one.holders}
  end
  reply[8] = all
end
return reply
