--[[ add_operation
  Note an operation on many executions, to be carried out by whichever engine takes it; once per id.

  KEYS[1] operation hash, [2] operations zset (ids by ms), [3] active set (ids of those not finished)
  ARGV[1] id, [2] what is asked for (bytes), [3] listed_ms: those that began longer ago are not listed any more
  Returns {created_ms, 1 = noted | 0 = it was noted before}
]]
--- @include clock
--- @include types
local created = redis.call('HGET', KEYS[1], 'created')
if created then return {created, 0} end
expect('ZCARD', KEYS[2])
expect('SCARD', KEYS[3])
local now = text(now_ms())
redis.call('HSET', KEYS[1], 'created', now, 'status', 'RUNNING', 'asked', ARGV[2], 'own', '', 'until', '0')
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(tonumber(now) - tonumber(ARGV[3])))
redis.call('SADD', KEYS[3], ARGV[1])
return {now, 1}
