--[[ import_execution
  Store an execution that has ended elsewhere: all of it, or none. Never over another one, or what is left of one.

  KEYS[1] x hash, [2] history list, [3] values hash, [4] payloads hash: of the execution
  KEYS[5] closed zset of the partition, [6...] every index zset of the partition that gets an entry of it
  ARGV[1] ref
  ARGV[2] envelope     msgpack: fields {field, bytes ...}, records {bytes ...}, keep {field, bytes ...} of values,
                       payloads {name: text ...} (none = nil), index {score, member ...} in the order of the keys
  ARGV[3] kept_ms      how long it is kept from now on
  Returns 1, or 0 where there is an execution of that id or its tombstone (nothing was written).
]]
--- @include clock
--- @include types
--- @include payloads
local x, history, values, payloads, closed = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
if redis.call('HLEN', x) > 0 then return 0 end
local e, counts = cmsgpack.unpack(ARGV[2]), {}
for _, part in ipairs({e.fields, e.keep}) do
  for i = 2, #part, 2 do refer(counts, part[i], 1) end
end
for _, record in ipairs(e.records) do refer(counts, record, 1) end
expect('LLEN', history)
expect('HLEN', values, payloads)
for number = 5, #KEYS do expect('ZCARD', KEYS[number]) end
redis.call('UNLINK', history, values, payloads)
redis.call('HSET', x, unpack(e.fields))
for _, record in ipairs(e.records) do redis.call('RPUSH', history, record) end
for i = 1, #e.keep, 2 do redis.call('HSET', values, e.keep[i], e.keep[i + 1]) end
count(payloads, counts, e.payloads)
for number = 6, #KEYS do redis.call('ZADD', KEYS[number], e.index[number * 2 - 11], e.index[number * 2 - 10]) end
redis.call('ZADD', closed, text(now_ms() + tonumber(ARGV[3])), ARGV[1])
return 1
