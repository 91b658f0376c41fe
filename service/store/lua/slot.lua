-- What becomes of a slot that is held.
--   ARGV[5]  bind SLOT SESSION | share SESSION CALLER | give_back SESSION CALLER | free_session SESSION | free SLOT
-- Replies now, epoch, 1 if there was such a slot

local what, first, second = ARGV[5], ARGV[6], ARGV[7]

local function find()
  for _, one in ipairs(read_slots()) do
    if what == 'bind' or what == 'free' then
      if one.id == first then return one end
    elseif first ~= '' and one.session == first then
      return one
    end
  end
end

local one = find()
local done = one ~= nil
if done then
  if what == 'bind' then
    one.session = second
  elseif what == 'share' then
    if not held_by(one, second) then one.holders[#one.holders + 1] = second end
  elseif what == 'give_back' then
    local place = held_by(one, second)
    done = place ~= nil
    if done then table.remove(one.holders, place) end
  else
    one.holders = {}
  end
end
if done then
  if #one.holders == 0 then
    redis.call('HDEL', slots, one.id)
  else
    redis.call('HSET', slots, one.id, pack_slot(one))
  end
  changed()
end
return {text(now), epoch, done and 1 or 0}
