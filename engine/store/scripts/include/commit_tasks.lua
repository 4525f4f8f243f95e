-- What a commit does to tasks, with the errands that tell of its end: `noted` is the field `tell` of the execution,
-- `queue` the errands' queue. Checked at once; returns what does it.
--- @include tell
local function prepare_tasks(keys, e, ref, noted, tasks, leases, queues, timers, now)
  expect_tasks(tasks, leases, queues)
  return function()
    for _, task in ipairs(e.tasks or {}) do
      put(tasks, queues, keys[task[3]], task[4], task[1], task[2], now, e.bell, ref)
    end
    if e.close and noted then tell(noted, tasks, queues, keys[e.tell[1]], e.tell[2], now, e.bell, ref) end
    take_back(keys, e.untasks, tasks, leases, timers, queues)
  end
end
