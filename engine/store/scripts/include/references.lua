-- How a commit changes the number of references to each payload (see include/payloads): what it writes less what that
-- replaces, deletes or trims. `e` is the commit's envelope.
local function references(e, x, values, history, tasks)
  local counts = {}
  refer_fields(counts, x, e.set, e.del)
  if e.spent then
    for _, item in ipairs(redis.call('HVALS', values)) do refer(counts, item, -1) end
  else
    refer_fields(counts, values, e.keep, e.drop)
  end
  for _, record in ipairs(e.records or {}) do refer(counts, record, 1) end
  if e.trim then
    for _, record in ipairs(redis.call('LRANGE', history, 0, e.trim - 1)) do refer(counts, record, -1) end
  end
  for _, task in ipairs(e.tasks or {}) do refer_row(counts, task[2], 1) end
  for _, task in ipairs(e.untasks or {}) do refer_row(counts, redis.call('HGET', tasks, task[1]), -1) end
  return counts
end
