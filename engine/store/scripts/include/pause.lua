-- A paused execution. Its field `paused` says by how many ms a timer that falls due is put off: "0" for not at all. The
-- partition's hash `paused` holds the ref of each paused execution, and the id of each task that was kept back.

-- Whether a due timer must not fire now; it is put off then.
local function put_off(timers, member, now, paused)
  local ms = tonumber(paused or '0')
  if ms > 0 then redis.call('ZADD', timers, 'XX', text(now + ms), member) end
  return ms > 0
end

-- Whether a task belongs to a paused execution. An errand belongs to none: its frame is no number.
local function is_paused(paused, id)
  local ref = string.match(id, '^([^/]*)/[%d/]+@%d+$')
  return ref and redis.call('HEXISTS', paused, ref) == 1
end
