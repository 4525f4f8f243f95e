#!lua flags=allow-oom
--[[ lease_tasks
  Hand out at most `most` tasks of a queue in one partition, oldest first, each under a lease of its own.
  Entries whose task has ended otherwise are dropped on the way; a task of a paused execution is noted and kept back
  until the resumption puts it into the queue again. Nothing is lost when the reply is: the leases lapse.

  KEYS[1] queue zset, [2] tasks hash, [3] leases hash, [4] timers zset, [5] queues set, [6] paused hash: of the partition
  ARGV[1] most, [2] lease_ms, [3] nonce, [4] worker, [5] queue as the queues set names it
  Returns {now_ms, left in the queue, {id, row, lease, id, row, lease ...}}
]]
--- @include clock
--- @include types
--- @include pause
local queue, tasks, leases, timers = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local paused = redis.call('HLEN', KEYS[6]) > 0 and KEYS[6]
local most, lease_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
expect('HLEN', tasks, leases)
expect('ZCARD', timers)
expect('SCARD', KEYS[5])
local now, out, passes = now_ms(), {}, 0
while #out < most * 3 and passes < 10 do
  passes = passes + 1
  local popped = redis.call('ZPOPMIN', queue, most - #out / 3)
  if #popped == 0 then break end
  for i = 1, #popped, 2 do
    local id = popped[i]
    local row = redis.call('HGET', tasks, id)
    if row and paused and is_paused(paused, id) then
      redis.call('HSET', paused, id, '')
    elseif row then
      local lease = ARGV[3] .. '-' .. text(#out / 3)
      redis.call('HSET', leases, id, lease .. '|' .. text(now) .. '|' .. text(now + lease_ms) .. '|' .. ARGV[4])
      redis.call('ZADD', timers, text(now + lease_ms), id .. '#lease')
      out[#out + 1] = id
      out[#out + 1] = row
      out[#out + 1] = lease
    end
  end
end
local left = redis.call('ZCARD', queue)
if left == 0 then redis.call('SREM', KEYS[5], ARGV[5]) end
return {text(now), left, out}
