#!lua flags=allow-oom
--[[ heartbeat_task
  Say that a task is being worked on: puts off its heartbeat time-out, and with a lease extends that,
  or makes it one that never lapses: then only the task's own time-outs end it.

  KEYS[1] timers zset, [2] tasks hash, [3] leases hash: of the partition
  ARGV[1] task id, [2] secret of the token, [3] lease ("" = none), [4] lease_ms (0 = leave it, -1 = for good), [5] heartbeat_ms (0 = none)
  Returns {"OK", lease_until_ms or ""} ("" also: for good) | {"CLOSED"} | {"LOST"} (the lease is another's) | {"UNKNOWN"} (wrong secret)
]]
--- @include clock
--- @include types
local timers, tasks, leases, id = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local row = redis.call('HGET', tasks, id)
if not row then return {'CLOSED'} end
if string.sub(row, 1, #ARGV[2] + 1) ~= ARGV[2] .. '|' then return {'UNKNOWN'} end
expect('ZCARD', timers)
local now, till = now_ms(), ''
if ARGV[3] ~= '' then
  local held = redis.call('HGET', leases, id) or ''
  local nonce, since, before, worker = string.match(held, '^([^|]*)|([^|]*)|([^|]*)|(.*)$')
  if nonce ~= ARGV[3] then return {'LOST'} end
  till = before
  if ARGV[4] ~= '0' then
    till = ARGV[4] == '-1' and '' or text(now + tonumber(ARGV[4]))
    redis.call('HSET', leases, id, nonce .. '|' .. since .. '|' .. till .. '|' .. worker)
    if till == '' then redis.call('ZREM', timers, id .. '#lease') else redis.call('ZADD', timers, till, id .. '#lease') end
  end
end
if tonumber(ARGV[5]) > 0 then redis.call('ZADD', timers, 'XX', text(now + tonumber(ARGV[5])), id .. '#heartbeat') end
return {'OK', till}
