#!lua flags=allow-oom
--[[ advance_map_run
  Note what a Map Run's driver has done: children that are to be started, children that have ended, how far it has come.
  An end counts once: only where the child was out. The driver's nonce is the fence.

  KEYS[1] run hash, [2] out set, [3] results hash, [4] left string (a bit for each child)
  ARGV[1] nonce, [2] envelope, msgpack:
    out {first, count} children that are out from now on; again {index ...} those of a redrive; items: how many they stand for;
    pending: how many items of them a redrive has waited for
    ends {{index, items, status, result or nil}...}; size_max: bytes of all results beyond which none is kept (0 = no limit)
    set {field, bytes ...}; count {field: number ...} added to fields; written: all results so far are in a part now, so many; added before the ends are
    status: it has ended so; calm: its driver is well. That, and whatever is new here, forgets how often it was tried in vain
  Returns {"OK", children out, status, concurrency, tolerated, percentage, size, items out, children and items by status
  (SUCCEEDED FAILED TIMED_OUT ABORTED), children still to be redriven}, each as text, "" where it is not there;
  | {"LOST"} (the nonce is not the run's any more; nothing was written)
]]
--- @include clock
--- @include types
--- @include map_run
local run, out, results, left = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
if redis.call('HGET', run, 'own') ~= ARGV[1] then return {'LOST'} end
local e = cmsgpack.unpack(ARGV[2])
expect('SCARD', out)
expect('HLEN', results)
expect('STRLEN', left)
local by = {}
local function add(field, number) by[field] = (by[field] or 0) + number end
local moved = e.calm or e.out or e.written

if e.set then redis.call('HSET', run, unpack(e.set)) end
if e.out then
  for index = e.out[1], e.out[1] + e.out[2] - 1 do redis.call('SADD', out, text(index)) end
end
for _, index in ipairs(e.again or {}) do
  if redis.call('SADD', out, text(index)) == 1 then
    add('pending', -1)
    moved = true
  end
  redis.call('SETBIT', left, index, 0)
end
for field, number in pairs(e.count or {}) do add(field, number) end
if e.items then add('out', e.items) end
if e.pending then add('pending_items', -e.pending) end
local size = tonumber(redis.call('HGET', run, 'size') or '0')
if e.written then
  redis.call('UNLINK', results)
  add('written', e.written)
  size = 0
end
for _, ended in ipairs(e.ends or {}) do
  local index, items, status, result = ended[1], ended[2], ended[3], ended[4]
  if redis.call('SREM', out, text(index)) == 1 then
    moved = true
    add('n:' .. status, 1)
    add('i:' .. status, items)
    add('out', -items)
    if status ~= 'SUCCEEDED' then redis.call('SETBIT', left, index, 1) end
    if result and size >= 0 then
      size = size + #result - redis.call('HSTRLEN', results, text(index))
      redis.call('HSET', results, text(index), result)
      if e.size_max > 0 and size > e.size_max then size = -1 end
    end
  end
end
if e.ends or e.written then redis.call('HSET', run, 'size', text(size)) end
if size < 0 then redis.call('UNLINK', results) end
for field, number in pairs(by) do redis.call('HINCRBY', run, field, text(number)) end
if moved then redis.call('HDEL', run, 'tries', 'fault') end
if e.status then redis.call('HSET', run, 'status', e.status, 'stopped', text(now_ms()), 'own', '') end
return standing(run, out)
