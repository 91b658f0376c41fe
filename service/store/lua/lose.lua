-- The server's clock and a replica's do not agree any more, so no instant here means anything: all is forgotten, and
-- full up to the recovery cap. Once for all replicas that notice.
--   ARGV[5]  the epoch in which it was noticed
-- Replies now, epoch

if epoch == ARGV[5] then epoch = lose_all() end
return {text(now), epoch}
