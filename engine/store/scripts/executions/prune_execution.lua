#!lua flags=allow-oom
--[[ prune_execution
  Forget a closed execution whose retention has passed, down to a tombstone that keeps its name from being used again.

  KEYS[1] x hash, [2] history list, [3] outcomes list, [4] seen hash, [5] values hash, [6] inbox list: of the execution
  KEYS[7] payloads hash of the execution, [8] closed zset of the partition, [9] fates hash of the execution
  KEYS[10...] every index zset of the partition that has an entry of it
  ARGV[1] ref, [2] id, [3] revision that the index keys were made for, [4] tombstone_ms: how long the name stays taken, counted from the close
  Returns 1 pruned | 0 not due, or gone | -1 not closed, or another revision (nothing was written)
  | -2 somebody is still to be told of its end (it is looked at again a minute later)
]]
--- @include clock
--- @include types
local due, now = redis.call('ZSCORE', KEYS[8], ARGV[1]), now_ms()
if not due or tonumber(due) > now then return 0 end
local at = redis.call('HMGET', KEYS[1], 'status', 'digest', 'started', 'ver', 'stopped', 'tell', 'rev')
if at[1] == 'RUNNING' or at[7] ~= ARGV[3] then return -1 end
if at[6] then
  redis.call('ZADD', KEYS[8], text(now + 60000), ARGV[1])
  return -2
end
for number = 10, #KEYS do expect('ZCARD', KEYS[number]) end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[9])
redis.call('ZREM', KEYS[8], ARGV[1])
for number = 10, #KEYS do redis.call('ZREM', KEYS[number], ARGV[2]) end
redis.call('HSET', KEYS[1], 'status', at[1], 'digest', at[2], 'started', at[3], 'ver', at[4], 'stopped', at[5], 'pruned', '1')
redis.call('PEXPIREAT', KEYS[1], text(tonumber(at[5]) + tonumber(ARGV[4])))
return 1
