-- What a commit does about a pause (see include/pause). `pause` is {key, on, off: the ref is put into the hash, or taken out; gone {id ...}: tasks
-- that have ended; back {{id, queue key number, queue, score} ...}: tasks that go back if they were kept back;
-- timers {ms, member ...}: timers that move if they have not fired}.
local function expect_pause(keys, pause, theirs)
  if not pause then return end
  expect('HLEN', keys[pause.key])
  theirs[pause.key] = true
end

local function apply_pause(keys, pause, ref, timers, tasks, queues, bell)
  if not pause then return end
  local paused = keys[pause.key]
  if pause.on then redis.call('HSET', paused, ref, '') end
  if pause.off then redis.call('HDEL', paused, ref) end
  if pause.gone then redis.call('HDEL', paused, unpack(pause.gone)) end
  if pause.timers then redis.call('ZADD', timers, 'XX', unpack(pause.timers)) end
  for _, task in ipairs(pause.back or {}) do
    if redis.call('HDEL', paused, task[1]) == 1 and redis.call('HEXISTS', tasks, task[1]) == 1 then
      local queue = keys[task[2]]
      if redis.call('ZCARD', queue) == 0 then
        redis.call('SADD', queues, task[3])
        ring(bell, 'queue ' .. ref .. ' ' .. task[3])
      end
      redis.call('ZADD', queue, task[4], task[1])
    end
  end
end
