--[[ create_execution
  Start an execution, once per name: all of it, or none. The version is resolved here, so that no start slips past a publish.

  KEYS[1] x            hash   the execution
  KEYS[2] ready        zset   of the partition
  KEYS[3] definitions  hash   of the partition: definition -> current version, or "-..." (see set_current)
  KEYS[4] index        zset   of (definition, RUNNING) in the partition
  KEYS[5] open         string number of open executions of the namespace in the partition
  KEYS[6] everything   zset   of RUNNING, whatever the definition, in the partition
  KEYS[7] refused      string key of a nested start that was taken back before it happened
  KEYS[8] versions     zset   of the definition in the partition: running executions by version (see versioned in keys.py)
  KEYS[9] inbox list, [10] seen zset, [11] fates hash: of the execution, for a signal that goes with the start
  KEYS[12] payloads hash of the execution
  KEYS[13] changes     stream of the partition, [14] bell string: of followers
  KEYS[15] ends        hash   of the Map Run in the partition (of what is no child of one: any hash)
  ARGV[1] ref          namespace:definition:name
  ARGV[2] envelope     msgpack: id, definition, version ("" = current), digest of the input, fields {field, bytes ...},
                       open_max (0 = no limit), watch_ms (0 = none), bell; of a nested start, key: which start it is,
                       tell: the errand that tells the parent of the end ("" = nobody is to be told); signal: one that
                       starts the execution or, where one of the name runs whatever its input, is only delivered (see include/signal)
                       event {1, 2, most, entry}, feed: what followers are told, on which channel
                       payloads {name: text ...} that fields refer to (none = nil)
                       child: its index in a Map Run, claims: how often that had been taken by whoever starts it
  Returns {"OK", now_ms, version} | {"EXISTS", started_ms, version} | {"CONFLICT", status} | {"UNKNOWN"} | {"QUOTA"}
  | {"REFUSED"}; with a signal also {"SIGNALED", started_ms, version} (it runs) | {"REPEAT", started_ms, version, status}
  | {"VERSION", version} | {"FULL"}. All but OK and SIGNALED wrote nothing, but that EXISTS notes whom to tell as well.
]]
--- @include clock
--- @include bell
--- @include wake
--- @include types
--- @include payloads
--- @include signal
--- @include announce
local x, ready, definitions, index, open, everything = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local versions = KEYS[8]
local ref, e = ARGV[1], cmsgpack.unpack(ARGV[2])
local found = redis.call('HMGET', x, 'status', 'digest', 'started', 'ver', 'key', 'tell')
if e.signal then
  if redis.call('ZSCORE', KEYS[10], e.signal.id) and found[1] then return {'REPEAT', found[3], found[4], found[1]} end
  if found[1] and found[1] ~= 'RUNNING' then return {'CONFLICT', found[1]} end
  expect('ZCARD', ready)
  expect('HLEN', KEYS[11])
end
if found[1] and e.signal then
  local at = redis.call('HMGET', x, 'own', 'until', 'quarantine', 'ver', 'buffered', 'expiring', 'paused')
  local now = now_ms()
  local refusal = signal_refusal(e.signal, KEYS[9], {at[4], at[5], at[6]}, now)
  if refusal then return refusal[1] == 'QUOTA' and {'FULL'} or refusal end
  put_signal(e.signal, KEYS[9], KEYS[10], KEYS[11], now)
  wake(ready, ref, at, now, e.bell, at[7])
  return {'SIGNALED', found[3], found[4]}
end
if found[1] then
  local tell = found[6] and cmsgpack.unpack(found[6]) or {}
  if e.key and (found[5] == e.key or tell[e.key]) then return {'EXISTS', found[3], found[4]} end
  if found[1] ~= 'RUNNING' or found[2] ~= e.digest then return {'CONFLICT', found[1]} end
  if e.key and e.tell ~= '' then
    tell[e.key] = e.tell
    redis.call('HSET', x, 'tell', cmsgpack.pack(tell))
  end
  return {'EXISTS', found[3], found[4]}
end
if e.key and redis.call('GET', KEYS[7]) == e.key then return {'REFUSED'} end
-- A child that has ended may have left nothing but the note of it. The fence keeps out who had the run before.
local noted = e.child and redis.call('HMGET', KEYS[15], e.child, 'by') or {}
if noted[1] then return {'EXISTS', '0', '0'} end
if noted[2] and tonumber(noted[2]) > e.claims then return {'REFUSED'} end
local at = redis.call('HMGET', definitions, e.definition, e.definition .. ':first')
local version = e.version ~= '' and e.version or at[1]
-- Deleted, or a version from before it was deleted and made anew: nothing starts on that, whoever names it.
if not version or tonumber(at[1] or '1') < 0 or tonumber(version) < tonumber(at[2] or '1') then return {'UNKNOWN'} end
local refusal = e.signal and signal_refusal(e.signal, KEYS[9], {version}, now_ms())
if refusal then return refusal[1] == 'QUOTA' and {'FULL'} or refusal end
if e.open_max > 0 and tonumber(redis.call('GET', open) or '0') >= e.open_max then return {'QUOTA'} end
expect('ZCARD', ready, index, everything, versions)
local followed = {KEYS[13], KEYS[14]}
expect_event(followed, e.event, {})
local counts = {}
for i = 2, #e.fields, 2 do refer(counts, e.fields[i], 1) end
if e.payloads then expect('HLEN', KEYS[12]) end
local now = now_ms()
redis.call('INCR', open)
redis.call('HSET', x, 'status', 'RUNNING', 'rev', '0', 'own', '', 'until', '0', 'claims', '0', 'ready', '0',
  'digest', e.digest, 'ver', version, 'started', text(now), unpack(e.fields))
count(KEYS[12], counts, e.payloads)
if e.key then redis.call('HSET', x, 'key', e.key) end
if e.key and e.tell ~= '' then redis.call('HSET', x, 'tell', cmsgpack.pack({[e.key] = e.tell})) end
if e.watch_ms > 0 then redis.call('HSET', x, 'watch', text(now + e.watch_ms)) end
redis.call('ZADD', index, text(now), e.id)
redis.call('ZADD', everything, text(now), e.id)
redis.call('ZADD', versions, '0', string.char(97 + #version) .. version .. ':' .. string.format('%013.0f', now) .. ':' .. e.id)
if e.signal then put_signal(e.signal, KEYS[9], KEYS[10], KEYS[11], now) end
wake(ready, ref, {}, now, e.bell)
if e.event then e.event[5] = version end
announce(followed, e.event, e.feed, ref)
return {'OK', text(now), version}
