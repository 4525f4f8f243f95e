#!lua flags=allow-oom
--[[ note_loss
  Redis lacks what it had acknowledged: begin a new incarnation of the store, once for each run of the server that lost it.

  KEYS[1] layout hash
  ARGV[1] run id of the server
  Returns the incarnation from now on: the ms at which its loss was noted first.
]]
--- @include clock
local at = redis.call('HMGET', KEYS[1], 'identity', 'incarnation', 'lost_by')
if not at[1] or at[2] and at[3] == ARGV[1] then return at[2] or '0' end
local incarnation = text(math.max(now_ms(), tonumber(at[2] or '0') + 1))
redis.call('HSET', KEYS[1], 'incarnation', incarnation, 'lost_by', ARGV[1])
return incarnation
