-- Make an execution ready unless somebody holds it (the holder's next commit brings the inbox) or it is quarantined.
-- `at` is the reply of HMGET x own until quarantine. Rings the doorbell when nothing else was due in the partition.
local function wake(ready, ref, at, now, bell)
  if at[3] then return end
  if at[1] and at[1] ~= '' and tonumber(at[2]) > now then return end
  local idle = redis.call('ZCOUNT', ready, '-inf', text(now)) == 0
  redis.call('ZADD', ready, text(now), ref)
  if idle then ring(bell, 'ready ' .. ref) end
end
