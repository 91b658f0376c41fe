-- Entries are taken out of the rings as if they had never been reserved, and slots are free: of permits with which
-- certainly nothing was sent (all their rings), or that had no effect (the rings of creations). Again is as once.
--   ARGV[5] and further: per permit its entry "T:id", and its slot or ""
-- Replies now, epoch, how many entries there were

local found, freed = 0, 0
for i = 3, #KEYS do
  local ring = open_ring(KEYS[i], nil)
  local gone = 0
  for j = 5, #ARGV, 2 do gone = gone + redis.call('LREM', ring.key, -1, ARGV[j]) end
  if gone > 0 then
    ring.generation, ring.changed = ring.generation + 1, true
    found = found + gone
  end
  save_ring(ring)
end
for j = 6, #ARGV, 2 do
  if ARGV[j] ~= '' then freed = freed + redis.call('HDEL', slots, ARGV[j]) end
end
if freed > 0 then changed() end
return {text(now), epoch, found}
