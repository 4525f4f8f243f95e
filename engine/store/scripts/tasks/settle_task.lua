#!lua flags=allow-oom
--[[ settle_task
  Accept one outcome of a task: the first. The task's row decides; whoever finds it gone comes too late.

  KEYS[1] x hash, [2] inbox list, [3] outcomes list: of the execution
  KEYS[4] ready zset, [5] timers zset, [6] tasks hash, [7] leases hash, [8] queue zset, [9] queues set: of the partition
  KEYS[10] payloads hash, of the execution
  ARGV[1] ref, [2] task id, [3] secret of the token, [4] lease ("" = by token alone, "*" = whoever holds it), [5] frame, [6] event (msgpack),
  ARGV[7] "<frame>@<revision>", [8] digest of token and outcome, [9] bell, [10] how (succeeded, failed, submitted)
  ARGV[11] queue as the queues set names it
  Returns {"OK"} | {"REPEAT"} (the same outcome was accepted before) | {"CLOSED", how} | {"UNKNOWN"}; only OK wrote.
  "submitted" keeps the task and ends the lease: the token completes it later. CLOSED by LEASE_LOST: another worker
  holds the task now, or a submission came without its lease.
]]
--- @include clock
--- @include bell
--- @include wake
--- @include types
--- @include payloads
local x, entries, outcomes, ready, timers, tasks, leases = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local ref, id, lease = ARGV[1], ARGV[2], ARGV[4]
local at = redis.call('HMGET', x, 'own', 'until', 'quarantine', 'status', 'paused', 'stopping')
if not at[4] then return {'UNKNOWN'} end
local row, held = redis.call('HGET', tasks, id), redis.call('HGET', leases, id)
local proof, how = redis.sha1hex(ARGV[3]), nil
if not row or at[4] ~= 'RUNNING' or ARGV[10] == 'submitted' then
  for _, past in ipairs(redis.call('LRANGE', outcomes, 0, -1)) do
    local which, whose, digest, word = string.match(past, '^([^ ]*) ([^ ]*) ([^ ]*) (.*)$')
    if which == ARGV[7] then
      if whose ~= proof then return {'UNKNOWN'} end
      if digest == ARGV[8] then return {'REPEAT'} end
      if word ~= 'submitted' then how = how or word end
    end
  end
end
if not row or at[4] ~= 'RUNNING' then return {'CLOSED', how or (at[4] == 'RUNNING' and 'CANCELLED' or at[4])} end
if string.sub(row, 1, #ARGV[3] + 1) ~= ARGV[3] .. '|' then return {'UNKNOWN'} end
-- A stop has come: what was accepted before is applied before it, and what comes now would not be.
if at[6] then return {'CLOSED', 'ABORTED'} end
local ours = held and lease ~= '' and string.sub(held, 1, #lease + 1) == lease .. '|'
if not ours and lease ~= '*' and (ARGV[10] == 'submitted' or (held and lease ~= '')) then return {'CLOSED', 'LEASE_LOST'} end
local nonce, since, till, worker = '', '', '', ''
if held then nonce, since, till, worker = string.match(held, '^([^|]*)|([^|]*)|([^|]*)|(.*)$') end
expect('LLEN', entries, outcomes)
expect('ZCARD', ready, timers, KEYS[8])
expect('SCARD', KEYS[9])
expect('HLEN', KEYS[10])
redis.call('HDEL', leases, id)
redis.call('ZREM', timers, id .. '#lease')
if ARGV[10] ~= 'submitted' then
  redis.call('HDEL', tasks, id)
  release_row(KEYS[10], row)
  redis.call('ZREM', timers, id .. '#timeout', id .. '#heartbeat')
  if redis.call('ZREM', KEYS[8], id) == 1 and redis.call('ZCARD', KEYS[8]) == 0 then
    redis.call('SREM', KEYS[9], ARGV[11])
  end
end
redis.call('LPUSH', outcomes, ARGV[7] .. ' ' .. proof .. ' ' .. ARGV[8] .. ' ' .. ARGV[10])
redis.call('LTRIM', outcomes, 0, 99)
redis.call('RPUSH', entries, ARGV[5] .. '|' .. since .. '|' .. worker .. '|' .. ARGV[6])
wake(ready, ref, at, now_ms(), ARGV[9], at[5])
return {'OK'}
