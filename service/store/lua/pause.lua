-- An account's pause, as store/pace.cpp has it: never shorter, capped, and every window is longer after one that Podero
-- asked for.
--   ARGV[5]  pause ACCOUNT FOR LONGEST | hold ACCOUNT FOR LONGEST | resume ACCOUNT
-- Replies now, epoch, until, worst

local what, account = ARGV[5], ARGV[6]
local pace = read_pace(account)
if what == 'resume' then
  pace.until_ = math.min(pace.until_, now)
else
  local wanted = now + math.min(tonumber(ARGV[7]), tonumber(ARGV[8]))
  if what == 'hold' then
    if now >= pace.until_ then pace.worst = slow_down(pace) end
  elseif now >= pace.until_ or pace.worst == 1 then
    pace.worst = math.min(2 * slow_down(pace), pace_longest)
  end
  pace.until_ = math.max(pace.until_, wanted, now)
end
redis.call('HSET', meta, 'pace:' .. account, text(pace.until_) .. ' ' .. string.format('%.17g', pace.worst))
return {text(now), epoch, text(pace.until_), string.format('%.17g', pace.worst)}
