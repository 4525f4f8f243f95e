#!lua flags=allow-oom
--[[ open_map_run
  Take a Map Run on behalf of the task that it is, and begin it where there is none. Whoever had it before writes nothing
  to it any more. A redrive begins a run again that ended without success. A take is a try until something has come of it.

  KEYS[1] run hash
  ARGV[1] nonce, [2] revision of the task, [3] redrives: how often it is to have been redriven
  ARGV[4] envelope, msgpack: fields {field, bytes ...} that a run is born with
  Returns {"OK", fields} | {"ENDED", fields} (it has ended, and is not to be redriven)
  | {"BUSY"} (it is being stopped) | {"OLD"} (a later task has taken it); fields are all of the hash.
]]
--- @include clock
local run, nonce = KEYS[1], ARGV[1]
local at = redis.call('HMGET', run, 'status', 'task', 'redrives', 'stopped', 'about')
local revision, redrives, now = tonumber(ARGV[2]), tonumber(ARGV[3]), text(now_ms())
if at[2] and tonumber(at[2]) > revision then return {'OLD'} end
if at[1] and at[5] and at[1] ~= 'RUNNING' and redrives <= tonumber(at[3] or '0') then return {'ENDED', redis.call('HGETALL', run)} end
if at[1] == 'SUCCEEDED' then return {'ENDED', redis.call('HGETALL', run)} end
if at[1] and not at[5] and tonumber(at[2]) == revision then return {'ENDED', {}} end -- stopped before it began
if at[1] == 'ABORTED' and at[5] and not at[4] then return {'BUSY'} end
if not at[5] then
  redis.call('DEL', run)
  redis.call('HSET', run, 'created', now, unpack(cmsgpack.unpack(ARGV[4]).fields))
elseif at[1] ~= 'RUNNING' then
  local counts = redis.call('HMGET', run, 'n:FAILED', 'n:TIMED_OUT', 'n:ABORTED', 'i:FAILED', 'i:TIMED_OUT', 'i:ABORTED')
  local children, items = 0, 0
  for i = 1, 3 do
    children = children + tonumber(counts[i] or '0')
    items = items + tonumber(counts[i + 3] or '0')
  end
  redis.call('HDEL', run, 'n:FAILED', 'n:TIMED_OUT', 'n:ABORTED', 'i:FAILED', 'i:TIMED_OUT', 'i:ABORTED', 'stopped', 'error', 'cause', 'tries', 'fault')
  redis.call('HSET', run, 'pending', text(children), 'pending_items', text(items), 'walked', '0', 'redriven', now)
end
redis.call('PERSIST', run)
redis.call('HSET', run, 'status', 'RUNNING', 'own', nonce, 'task', ARGV[2], 'redrives', ARGV[3])
redis.call('HINCRBY', run, 'claims', 1)
redis.call('HINCRBY', run, 'tries', 1)
return {'OK', redis.call('HGETALL', run)}
