--[[ delete_activity
  Forget an activity, and note that it was deleted. Notes beyond the newest `kept` are dropped.

  KEYS[1] activities hash, [2] deleted zset (name, by ms), both of the namespace
  ARGV[1] name, [2] kept, [3] bell
  Returns 1 deleted | 0 there is none (nothing was written)
]]
--- @include clock
--- @include bell
--- @include types
expect('ZCARD', KEYS[2])
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], text(now_ms()), ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -tonumber(ARGV[2]) - 1)
ring(ARGV[3], 'activities -')
return 1
