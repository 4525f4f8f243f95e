--[[ remove_definition
  Delete a definition: it is listed no more, and its aliases, tags and published versions are gone. Its texts stay, for
  executions that run on them, and so does the number of its last version, which is never given again.

  KEYS[1] definition hash (current, deleted), [2] definitions hash (name -> "-<last version> <ms>"), [3] profile hash,
  [4] aliases hash: of the definition, [5] untold zset, to which this is added until every partition was told of it
  ARGV[1] name
  Returns {last version, 1 = deleted now | 0 = before}; {"0", 0} where there never was one.
]]
--- @include clock
--- @include types
local at = redis.call('HMGET', KEYS[1], 'current', 'deleted')
if not at[1] then return {'0', 0} end
if at[2] then return {at[1], 0} end
expect('HLEN', KEYS[2])
expect('ZCARD', KEYS[5])
local now = text(now_ms())
redis.call('HSET', KEYS[1], 'deleted', now)
redis.call('HSET', KEYS[2], ARGV[1], '-' .. at[1] .. ' ' .. now)
redis.call('UNLINK', KEYS[3], KEYS[4])
redis.call('ZADD', KEYS[5], now, ARGV[1] .. ' -' .. at[1] .. ' 1')
return {at[1], 1}
