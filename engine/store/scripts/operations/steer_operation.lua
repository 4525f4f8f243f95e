#!lua flags=allow-oom
--[[ steer_operation
  Pause, resume or cancel an operation. Executions that have been told already are not told otherwise.

  KEYS[1] operation hash, [2] active set
  ARGV[1] id, [2] the status it is to have (PAUSED, RUNNING, CANCELLED), [3] bell, [4] keep_ms: one that is cancelled is forgotten after so long
  Returns the status it has now ("" where there is no such operation); one that has ended stays as it is.
]]
--- @include clock
--- @include bell
--- @include types
local status = redis.call('HGET', KEYS[1], 'status')
if not status then return '' end
if status == 'DONE' or status == 'CANCELLED' or status == ARGV[2] then return status end
expect('SCARD', KEYS[2])
redis.call('HSET', KEYS[1], 'status', ARGV[2])
if ARGV[2] == 'CANCELLED' then
  redis.call('HSET', KEYS[1], 'finished', text(now_ms()))
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  redis.call('SREM', KEYS[2], ARGV[1])
end
if ARGV[2] == 'RUNNING' then ring(ARGV[3], 'operation ' .. ARGV[1]) end
return ARGV[2]
