--[[ deliver_signal
  Accept a signal for a running execution, once per id.

  KEYS[1] x hash, [2] inbox list, [3] seen zset (ids of accepted signals, by ms), [4] fates hash (what became of them),
  KEYS[5] ready zset of the partition
  ARGV[1] ref, [2] bell, [3] the signal, msgpack (see include/signal)
  Returns {"OK"} | {"REPEAT"} | {"CLOSED", status} | {"UNKNOWN"} | {"QUOTA"}
  | {"VERSION", version} (the execution is pinned to another than the signal was checked for); only OK wrote.
]]
--- @include clock
--- @include bell
--- @include wake
--- @include types
--- @include signal
local s = cmsgpack.unpack(ARGV[3])
local at = redis.call('HMGET', KEYS[1], 'own', 'until', 'quarantine', 'status', 'ver', 'buffered', 'expiring', 'paused')
if not at[4] then return {'UNKNOWN'} end
if redis.call('ZSCORE', KEYS[3], s.id) then return {'REPEAT'} end
if at[4] ~= 'RUNNING' then return {'CLOSED', at[4]} end
local now = now_ms()
local refusal = signal_refusal(s, KEYS[2], {at[5], at[6], at[7]}, now)
if refusal then return refusal end
expect('ZCARD', KEYS[5])
expect('HLEN', KEYS[4])
put_signal(s, KEYS[2], KEYS[3], KEYS[4], now)
wake(KEYS[5], ARGV[1], at, now, ARGV[2], at[8])
return {'OK'}
