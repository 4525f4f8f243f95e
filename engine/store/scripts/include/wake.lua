-- Make an execution ready unless somebody holds it (the holder's next commit brings the inbox) or it is quarantined.
-- `at` is the reply of HMGET x own until quarantine. `paused`, the field of that name, where what has come in is not for
-- a paused execution to hear: it waits for the resumption. Rings the doorbell when nothing else was due in the partition.
local function wake(ready, ref, at, now, bell, paused)
  if at[3] or paused then return end
  if at[1] and at[1] ~= '' and tonumber(at[2]) > now then return end
  local idle = redis.call('ZCOUNT', ready, '-inf', text(now)) == 0
  redis.call('ZADD', ready, text(now), ref)
  if idle then ring(bell, 'ready ' .. ref) end
end
