#!lua flags=allow-oom
--[[ watch
  Ask that commits of an execution be announced for `watch_ms` from now, or at least for half of that; a running one only.

  KEYS[1] x hash
  ARGV[1] watch_ms
  Returns {status, revision}, or {} when there is no such execution.
]]
--- @include clock
local at = redis.call('HMGET', KEYS[1], 'status', 'rev', 'watch')
if not at[1] then return {} end
local now, watch_ms = now_ms(), tonumber(ARGV[1])
-- Whoever waits looks once a second; most of these looks are to write nothing.
if at[1] == 'RUNNING' and tonumber(at[3] or '0') < now + watch_ms / 2 then
  redis.call('HSET', KEYS[1], 'watch', text(now + watch_ms))
end
return {at[1], at[2]}
