-- One of the numbered rights to a degraded share: for a replica that has it already it lasts from now on, others get a
-- free one. None while one is held by other rules than the caller's, nor while one may be that was forgotten.
--   ARGV[5]  take REPLICA RULES HOW_MANY LENGTH | release REPLICA
-- Replies now, epoch, the number from 0, or -1

local what, replica, rules, count, length = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8] or 0), tonumber(ARGV[9] or 0)
local held, other_rules, mine = {}, false, nil
local all = redis.call('HGETALL', meta)
for i = 1, #all, 2 do
  local number = string.match(all[i], '^lease:(%d+)$')
  if number then
    local parts = split(all[i + 1], ' ')
    if tonumber(parts[3]) <= now then
      redis.call('HDEL', meta, all[i])
    elseif parts[1] == replica then
      mine = tonumber(number)
    else
      held[tonumber(number)] = true
      other_rules = other_rules or parts[2] ~= rules
    end
  end
end

if what == 'release' then
  if mine then redis.call('HDEL', meta, 'lease:' .. mine) end
  return {text(now), epoch, -1}
end
if not mine and now >= since + length and not other_rules then
  for number = 0, count - 1 do
    if not held[number] then
      mine = number
      break
    end
  end
end
if mine then redis.call('HSET', meta, 'lease:' .. mine, replica .. ' ' .. rules .. ' ' .. text(now + length)) end
return {text(now), epoch, mine or -1}
