--[[ put_activity
  Make an activity where there is none, or replace one that still is as it was read. One that was deleted is there again.

  KEYS[1] activities hash (name -> row), [2] deleted zset, both of the namespace
  ARGV[1] name, [2] row, opaque, without its time, [3] the row that is to be replaced, or "" to make a new one, [4] bell
  Returns {1 = written | 0 = another row stands there, the row "<created ms> <row>", or "" where there is none}
]]
--- @include clock
--- @include bell
--- @include types
local at = redis.call('HGET', KEYS[1], ARGV[1]) or ''
expect('ZCARD', KEYS[2])
if at ~= ARGV[3] then return {0, at} end
local created = at == '' and text(now_ms()) or at:match('^%d+')
local row = created .. ' ' .. ARGV[2]
redis.call('HSET', KEYS[1], ARGV[1], row)
if redis.call('ZREM', KEYS[2], ARGV[1]) == 1 then ring(ARGV[4], 'activities -') end
return {1, row}
