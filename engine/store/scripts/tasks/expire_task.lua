#!lua flags=allow-oom
--[[ expire_task
  A task's time-out or heartbeat has passed: end the task, so that no outcome is accepted any more, and tell its execution.
  One whose execution is paused and holds its timers is put off; the resumption sets it anew.

  KEYS[1] timers zset, [2] ready zset, [3] tasks hash, [4] leases hash, [5] queue zset, [6] queues set: of the partition
  KEYS[7] x hash, [8] inbox list, [9] outcomes list, [10] payloads hash: of the execution
  ARGV[1] task id, [2] kind (timeout, heartbeat), [3] ref, [4] frame, [5] event, [6] "<frame>@<revision>", [7] bell,
  ARGV[8] queue as the queues set names it
  Returns 1 expired | 0 not due, gone, or put off | -1 the task had ended already (the timer was removed)
]]
--- @include clock
--- @include bell
--- @include wake
--- @include types
--- @include payloads
--- @include pause
local timers, tasks, leases, id = KEYS[1], KEYS[3], KEYS[4], ARGV[1]
local due, now = redis.call('ZSCORE', timers, id .. '#' .. ARGV[2]), now_ms()
if not due or tonumber(due) > now then return 0 end
local at = redis.call('HMGET', KEYS[7], 'own', 'until', 'quarantine', 'status', 'paused')
local held, row = redis.call('HGET', leases, id), redis.call('HGET', tasks, id)
expect('ZCARD', KEYS[2], KEYS[5])
expect('SCARD', KEYS[6])
expect('LLEN', KEYS[8], KEYS[9])
expect('HLEN', KEYS[10])
if put_off(timers, id .. '#' .. ARGV[2], now, at[5]) then return 0 end
redis.call('ZREM', timers, id .. '#timeout', id .. '#heartbeat', id .. '#lease')
redis.call('HDEL', leases, id)
if redis.call('HDEL', tasks, id) == 0 or at[4] ~= 'RUNNING' then return -1 end
release_row(KEYS[10], row)
if redis.call('ZREM', KEYS[5], id) == 1 and redis.call('ZCARD', KEYS[5]) == 0 then redis.call('SREM', KEYS[6], ARGV[8]) end
local since, worker = '', ''
if held then since, worker = string.match(held, '^[^|]*|([^|]*)|[^|]*|(.*)$') end
redis.call('LPUSH', KEYS[9], ARGV[6] .. ' ' .. redis.sha1hex(string.match(row, '^[^|]*')) .. ' - TIMED_OUT')
redis.call('LTRIM', KEYS[9], 0, 99)
redis.call('RPUSH', KEYS[8], ARGV[4] .. '|' .. since .. '|' .. worker .. '|' .. ARGV[5])
wake(KEYS[2], ARGV[3], at, now, ARGV[7], at[5])
return 1
