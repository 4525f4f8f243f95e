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

-- An execution has ended: put out the errands that tell whoever waits for that. `noted` is the field `tell` of its
-- hash, from the key of a nested start to the errand's row.
local function tell(noted, tasks, queues, queue, name, now, bell, ref)
  for key, row in pairs(cmsgpack.unpack(noted)) do
    put(tasks, queues, queue, name, ref .. '/tell.' .. key .. '@0', row, now, bell, ref)
  end
end

-- Take tasks out of their queues, their leases and their timers: `untasks` is {{id, queue key number, queue}...}.
local function take_back(keys, untasks, tasks, leases, timers, queues)
  for _, task in ipairs(untasks or {}) do
    redis.call('HDEL', tasks, task[1])
    redis.call('HDEL', leases, task[1])
    redis.call('ZREM', timers, task[1] .. '#timeout', task[1] .. '#heartbeat', task[1] .. '#lease')
    if redis.call('ZREM', keys[task[2]], task[1]) == 1 and redis.call('ZCARD', keys[task[2]]) == 0 then
      redis.call('SREM', queues, task[3])
    end
  end
end
