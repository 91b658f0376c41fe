-- After a loss of data: what a replica remembers is merged in. Again is as once.
--   ARGV[5]  how many slots follow, each: id, account, session, since, until, how many holders, these
--   then per ring: its windows, how many entries follow, these: "T:id". Some hundred at a time and the oldest first: it
--   costs what is newer, and nobody else is served meanwhile
-- Replies now, epoch, how many entries were new

local argument = 4
local function next_argument()
  argument = argument + 1
  return ARGV[argument]
end

local learned = false
for _ = 1, tonumber(next_argument()) do
  local one = {id = next_argument(), account = next_argument(), session = next_argument(),
               since = tonumber(next_argument()), until_ = tonumber(next_argument()), holders = {}}
  for _ = 1, tonumber(next_argument()) do one.holders[#one.holders + 1] = next_argument() end
  if one.until_ > now and redis.call('HSETNX', slots, one.id, pack_slot(one)) == 1 then learned = true end
end
if learned then changed() end

-- A permit stands here under the instant that was reserved for it, and is told under that of its sending, as far as the
-- replica knows this clock: less apart than this, or it counts twice.
local apart = 2000000

-- How many of a ring's entries are of that instant or older.
local function up_to(ring, instant)
  local low, high = 0, redis.call('LLEN', ring.key)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if instant_of(redis.call('LINDEX', ring.key, middle)) <= instant then low = middle + 1 else high = middle end
  end
  return low
end

-- Up to what was dropped everything counts as full already.
local function merge(ring, entries)
  if #entries == 0 then return 0 end
  local told = {}
  for place, entry in ipairs(entries) do told[place] = {instant_of(entry), entry} end
  table.sort(told, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
  local known = {}
  local from, to = up_to(ring, told[1][1] - apart), up_to(ring, told[#told][1] + apart)
  if from < to then
    for _, entry in ipairs(redis.call('LRANGE', ring.key, from, to - 1)) do
      known[string.match(entry, ':(.*)$')] = true
    end
  end
  local added = {}
  for _, one in ipairs(told) do
    local id = string.match(one[2], ':(.*)$')
    if not known[id] and one[1] > ring.dropped then
      known[id] = true
      added[#added + 1] = one
    end
  end
  if #added == 0 then return 0 end
  local place = up_to(ring, added[1][1])
  local newer, all, next_one = redis.call('LRANGE', ring.key, place, -1), {}, 1
  for _, entry in ipairs(newer) do
    while next_one <= #added and added[next_one][1] < instant_of(entry) do
      all[#all + 1] = added[next_one][2]
      next_one = next_one + 1
    end
    all[#all + 1] = entry
  end
  for i = next_one, #added do all[#all + 1] = added[i][2] end
  if place == 0 then
    redis.call('DEL', ring.key)
  else
    redis.call('LTRIM', ring.key, 0, place - 1)
  end
  for first = 1, #all, 1000 do redis.call('RPUSH', ring.key, unpack(all, first, math.min(#all, first + 999))) end
  ring.generation, ring.changed = ring.generation + 1, true
  return #added
end

local found = 0
for i = 3, #KEYS do
  local ring = open_ring(KEYS[i], next_argument())
  local entries = {}
  for _ = 1, tonumber(next_argument()) do entries[#entries + 1] = next_argument() end
  found = found + merge(ring, entries)
  trim(ring)
  save_ring(ring)
end
return {text(now), epoch, found}
