#!lua flags=allow-oom
--[[ advance_operation
  Say how far an operation has come, and keep it; the holder's nonce is the fence.

  KEYS[1] operation hash, [2] active set
  ARGV[1] id, [2] nonce, [3] lease_ms (0: let go), [4] place, [5] seen, [6] sent, [7] what its holder counts (bytes)
  ARGV[8] "1": it is finished, [9] keep_ms: then it is forgotten after so long
  Returns the status it has now, or "LOST" when the nonce is not the holder's (nothing was written).
]]
--- @include clock
--- @include types
local at = redis.call('HMGET', KEYS[1], 'own', 'status')
if at[1] ~= ARGV[2] then return 'LOST' end
expect('SCARD', KEYS[2])
local now, status = now_ms(), at[2]
redis.call('HSET', KEYS[1], 'place', ARGV[4], 'seen', ARGV[5], 'sent', ARGV[6], 'done', ARGV[7])
if ARGV[8] == '1' and status == 'RUNNING' then
  status = 'DONE'
  redis.call('HSET', KEYS[1], 'status', status, 'finished', text(now))
  redis.call('PEXPIRE', KEYS[1], ARGV[9])
  redis.call('SREM', KEYS[2], ARGV[1])
end
if status == 'RUNNING' and tonumber(ARGV[3]) > 0 then
  redis.call('HSET', KEYS[1], 'until', text(now + tonumber(ARGV[3])))
else
  redis.call('HSET', KEYS[1], 'own', '', 'until', '0')
end
return status
