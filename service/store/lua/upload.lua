-- After a loss of data: what a replica remembers is merged in. Again is as once.
--   ARGV[5]  how many slots follow, each: id, account, session, since, until, how many holders, these
--   then per ring: its windows, how many entries follow, these: "T:id"
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

-- Up to what was dropped everything counts as full already.
local function merge(ring, entries)
  local all, known = redis.call('LRANGE', ring.key, 0, -1), {}
  for _, entry in ipairs(all) do known[string.match(entry, ':(.*)$')] = true end
  local added = 0
  for _, entry in ipairs(entries) do
    local id = string.match(entry, ':(.*)$')
    if not known[id] and instant_of(entry) > ring.dropped then
      known[id] = true
      all[#all + 1] = entry
      added = added + 1
    end
  end
  if added == 0 then return 0 end
  local keyed = {}
  for place, entry in ipairs(all) do keyed[place] = {instant_of(entry), entry} end
  table.sort(keyed, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
  redis.call('DEL', ring.key)
  for from = 1, #keyed, 1000 do
    local some = {}
    for i = from, math.min(#keyed, from + 999) do some[#some + 1] = keyed[i][2] end
    redis.call('RPUSH', ring.key, unpack(some))
  end
  ring.generation, ring.changed = ring.generation + 1, true
  return added
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
