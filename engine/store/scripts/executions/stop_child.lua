#!lua flags=allow-oom
--[[ stop_child
  Stop an execution on behalf of the task that started it, and of nobody else. One that has not been started yet never
  will be by that task: the key of its start is refused for as long as a delivery of the task can be under way.

  KEYS[1] x hash, [2] control list, [3] ready zset of the partition, [4] refused string
  KEYS[5] quarantined zset: ids by start
  ARGV[1] ref, [2] key of the start, [3] entry, [4] bell, [5] refused_ms
  Returns {"STOPPED"} | {"REFUSED"} (it is not there) | {"OTHER"} (another's; it does not tell this task any more) | {"CLOSED"}
]]
--- @include clock
--- @include bell
--- @include wake
--- @include types
--- @include let_out
local x, key = KEYS[1], ARGV[2]
local at = redis.call('HMGET', x, 'own', 'until', 'quarantine', 'status', 'key', 'tell')
expect('LLEN', KEYS[2])
expect('ZCARD', KEYS[3], KEYS[5])
if not at[4] then
  redis.call('SET', KEYS[4], key, 'PX', ARGV[5])
  return {'REFUSED'}
end
if at[4] ~= 'RUNNING' then return {'CLOSED'} end
if at[5] ~= key then
  local tell = at[6] and cmsgpack.unpack(at[6]) or {}
  tell[key] = nil
  if at[6] and next(tell) then redis.call('HSET', x, 'tell', cmsgpack.pack(tell)) end
  if at[6] and not next(tell) then redis.call('HDEL', x, 'tell') end
  return {'OTHER'}
end
if at[3] then
  let_out(x, KEYS[5], ARGV[1])
  at[3] = false
end
redis.call('HSET', x, 'stopping', '1')
if redis.call('LLEN', KEYS[2]) == 0 then redis.call('RPUSH', KEYS[2], ARGV[3]) end
wake(KEYS[3], ARGV[1], at, now_ms(), ARGV[4])
return {'STOPPED'}
