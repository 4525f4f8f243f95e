#!lua flags=allow-oom
--[[ abort_map_run
  Have a Map Run end as ABORTED: nothing more is started, whoever drives it writes nothing any more, and the caller is the
  one who stops its children. One that has not begun never will, on behalf of that task.

  KEYS[1] run hash
  ARGV[1] nonce, [2] revision of the task that is not to go on, [3] kept_ms: so long it is remembered that a run was stopped before it began
  Returns {"OK", fields} | {"NONE"} (it had not begun) | {"OTHER"} (it has ended, or is a later task's)
]]
local run = KEYS[1]
local at = redis.call('HMGET', run, 'status', 'task', 'stopped', 'about')
if at[2] and tonumber(at[2]) > tonumber(ARGV[2]) then return {'OTHER'} end
if not at[4] then
  redis.call('HSET', run, 'status', 'ABORTED', 'task', ARGV[2])
  redis.call('PEXPIRE', run, ARGV[3])
  return {'NONE'}
end
if at[3] then return {'OTHER'} end
redis.call('HSET', run, 'status', 'ABORTED', 'own', ARGV[1])
redis.call('HINCRBY', run, 'claims', 1)
if at[1] ~= 'ABORTED' then redis.call('HDEL', run, 'tries') end
redis.call('HINCRBY', run, 'tries', 1)
return {'OK', redis.call('HGETALL', run)}
