-- Put a task into its queue, and ring when the queue was empty.
local function put(tasks, queues, queue, name, id, row, now, bell, ref)
  redis.call('HSET', tasks, id, row)
  if redis.call('ZCARD', queue) == 0 then
    redis.call('SADD', queues, name)
    ring(bell, 'queue ' .. ref .. ' ' .. name)
  end
  redis.call('ZADD', queue, text(now), id)
end

-- An execution has ended: put out the errands that tell whoever waits for that. `noted` is the field `tell` of its
-- hash, from the key of a nested start to the errand's row.
local function tell(noted, tasks, queues, queue, name, now, bell, ref)
  for key, row in pairs(cmsgpack.unpack(noted)) do
    put(tasks, queues, queue, name, ref .. '/tell.' .. key .. '@0', row, now, bell, ref)
  end
end
