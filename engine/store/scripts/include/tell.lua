-- What a commit does to tasks may be refused before anything is written.
local function expect_tasks(tasks, leases, queues)
  expect('HLEN', tasks, leases)
  expect('SCARD', queues)
end

-- Put a task into its queue, and ring when the queue was empty.
local function put(tasks, queues, queue, name, id, row, now, bell, ref)
  redis.call('HSET', tasks, id, row)
  if redis.call('ZCARD', queue) == 0 then
    redis.call('SADD', queues, name)
    ring(bell, 'queue ' .. ref .. ' ' .. name)
  end
  redis.call('ZADD', queue, text(now), id)
end

-- Take a task back, whether it waits in its queue or is leased.
local function take_back(tasks, leases, timers, queues, queue, name, id)
  redis.call('HDEL', tasks, id)
  redis.call('HDEL', leases, id)
  redis.call('ZREM', timers, id .. '#timeout', id .. '#heartbeat', id .. '#lease')
  if redis.call('ZREM', queue, id) == 1 and redis.call('ZCARD', queue) == 0 then redis.call('SREM', queues, name) end
end

-- An execution has ended: put out the errands that tell whoever waits for that. `noted` is the field `tell` of its
-- hash, from the key of a nested start to the errand's row.
local function tell(noted, tasks, queues, queue, name, now, bell, ref)
  for key, row in pairs(cmsgpack.unpack(noted)) do
    put(tasks, queues, queue, name, ref .. '/tell.' .. key .. '@0', row, now, bell, ref)
  end
end
