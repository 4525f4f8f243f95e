#!lua flags=allow-oom
--[[ claim
  Take an execution for `lease_ms`, if nobody holds it, and read what is needed to go on.
  Claiming counts and committing resets the count: what kills its holder time after time is poison. It is claimed once
  more, unread and only to be set aside.
  A holder that needs longer than its claim lasts prolongs it: that does not count, and reads nothing.

  KEYS[1] x        hash  the execution
  KEYS[2] inbox    list
  KEYS[3] control  list
  KEYS[4] ready    zset  of the partition; the score is when the execution may be claimed
  ARGV[1] ref, [2] nonce, [3] lease_ms, [4] claims_max, [5] "1": only prolong the claim of this nonce
  ARGV[6] "1": also one that was claimed `suspect_from` times without a commit, [7] suspect_from
  Returns {"OK", now_ms, rev, version, started_ms, static, meta, ready, control, entries, frames}
        | {"KEPT"} (prolonged) | {"HELD", until_ms} | {"GONE"} (not ready; one that is not running is taken off the ready set) | {"SUSPECT"} (not claimed, and not counted) | {"POISON"}
        | {"MISSING"} (it was ready and is not there, nor a tombstone of it; it is taken off the ready set)
]]
--- @include clock
--- @include inbox
local x, entries, control, ready = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ref, nonce, lease_ms, claims_max = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local at = redis.call('HMGET', x, 'status', 'own', 'until', 'claims', 'rev', 'ver', 's', 'm', 'ready', 'quarantine', 'started')
if at[1] ~= 'RUNNING' or at[10] then
  local was_ready = redis.call('ZREM', ready, ref) == 1
  return {was_ready and not at[1] and 'MISSING' or 'GONE'}
end
if not redis.call('ZSCORE', ready, ref) then return {'GONE'} end
local now = now_ms()
local till = text(now + lease_ms)
if ARGV[5] == '1' then
  if at[2] ~= nonce then return {'HELD', at[3]} end
  redis.call('HSET', x, 'until', till)
  redis.call('ZADD', ready, till, ref)
  return {'KEPT'}
end
if at[2] ~= '' and at[2] ~= nonce and tonumber(at[3]) > now then
  return {'HELD', at[3]}
end
local claims = tonumber(at[4]) + 1
if claims > tonumber(ARGV[7]) and ARGV[6] ~= '1' then return {'SUSPECT'} end
if claims > claims_max then
  redis.call('HSET', x, 'own', nonce, 'until', till)
  redis.call('ZADD', ready, till, ref)
  return {'POISON'}
end
local first, rest, frames = inbox(x, control, entries, at[9])
redis.call('HSET', x, 'own', nonce, 'until', till, 'claims', text(claims))
redis.call('ZADD', ready, till, ref)
return {'OK', text(now), at[5], at[6], at[11], at[7], at[8] or '', at[9], first, rest, frames}
