#!lua flags=allow-oom
--[[ redrive
  Open a closed execution again, with the order to go on from where it failed: all of it, or nothing. The transition that
  applies the order makes it ready; what became of it until then stays in its history.

  KEYS[1] x hash, [2] control list, [3] seen zset: of the execution
  KEYS[4] ready zset, [5] closed zset: of the partition; [6] open string, of the namespace in the partition
  KEYS[7], [8] indexes (zsets) of the status it ended with, of its definition and of all; [9], [10] the same of RUNNING
  KEYS[11] set of the operation in the partition: ids that have not answered
  KEYS[12] index of the error it ended with, [13] index of running executions by version (zsets)
  ARGV[1] ref, [2] id, [3] status the index keys were made for, [4] entry, [5] bell, [6] watch_ms, [7] operation, [8] seen_max
  ARGV[9] keep_ms, as for deliver_control; [10] version to go on with ("" = its own), [11] open_max (0 = no limit)
  ARGV[12] its member in the index by version
  Returns {"OK"} | {"REPEAT"} | {"OPEN", status} (it runs, or ended otherwise) | {"GONE"} (nothing is left to go on from)
  | {"TELLING"} (somebody is still to be told of its end) | {"QUOTA"} | {"UNKNOWN"}; only OK wrote.
]]
--- @include clock
--- @include bell
--- @include wake
--- @include types
local x, ref, id, operation = KEYS[1], ARGV[1], ARGV[2], 'op ' .. ARGV[7]
local at = redis.call('HMGET', x, 'status', 'started', 'tell', 'f:0', 'pruned')
if not at[1] then return {'UNKNOWN'} end
if redis.call('ZSCORE', KEYS[3], operation) then return {'REPEAT'} end
if at[5] then return {'GONE'} end
if at[1] == 'RUNNING' or at[1] ~= ARGV[3] then return {'OPEN', at[1]} end
if not at[4] then return {'GONE'} end
if at[3] then return {'TELLING'} end
local open_max = tonumber(ARGV[11])
if open_max > 0 and tonumber(redis.call('GET', KEYS[6]) or '0') >= open_max then return {'QUOTA'} end
expect('LLEN', KEYS[2])
expect('ZCARD', KEYS[4], KEYS[5], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[12], KEYS[13])
expect('SCARD', KEYS[11])
redis.call('INCR', KEYS[6])
local now = now_ms()
redis.call('HSET', x, 'status', 'RUNNING', 'own', '', 'until', '0', 'claims', '0', 'watch', text(now + tonumber(ARGV[6])))
redis.call('HDEL', x, 'stopped', 'stopping')
if ARGV[10] ~= '' then redis.call('HSET', x, 'ver', ARGV[10]) end
redis.call('ZREM', KEYS[5], ref)
for number = 7, 8 do redis.call('ZREM', KEYS[number], id) end
for number = 9, 10 do redis.call('ZADD', KEYS[number], at[2], id) end
redis.call('ZREM', KEYS[12], id)
redis.call('ZADD', KEYS[13], 0, ARGV[12])
redis.call('ZADD', KEYS[3], text(now), operation)
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - tonumber(ARGV[8]))
redis.call('SADD', KEYS[11], id)
if tonumber(ARGV[9]) > 0 then redis.call('PEXPIRE', KEYS[11], ARGV[9]) end
redis.call('RPUSH', KEYS[2], ARGV[4])
wake(KEYS[4], ref, {}, now, ARGV[5])
return {'OK'}
