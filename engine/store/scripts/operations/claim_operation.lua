#!lua flags=allow-oom
--[[ claim_operation
  Take an operation for `lease_ms`, if it runs and nobody holds it.

  KEYS[1] operation hash
  ARGV[1] nonce, [2] lease_ms
  Returns {"OK", asked, place, seen, sent, done} (place: where the one before has come to) | {"HELD"} | {"IDLE", status} | {"UNKNOWN"}
]]
--- @include clock
local at = redis.call('HMGET', KEYS[1], 'status', 'own', 'until', 'asked', 'place', 'seen', 'sent', 'done')
if not at[1] then return {'UNKNOWN'} end
if at[1] ~= 'RUNNING' then return {'IDLE', at[1]} end
local now = now_ms()
if at[2] ~= '' and at[2] ~= ARGV[1] and tonumber(at[3]) > now then return {'HELD'} end
redis.call('HSET', KEYS[1], 'own', ARGV[1], 'until', text(now + tonumber(ARGV[2])))
return {'OK', at[4], at[5] or '', at[6] or '0', at[7] or '0', at[8] or ''}
