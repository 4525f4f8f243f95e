-- A signal that is to be put into an execution's inbox, `s`: id, event and fate (packed), version ("" = any),
-- inbox_max, buffered_max (with those in the inbox), seen_max (ids that are remembered).

-- Why it cannot be put, nil where it can. `at` is the reply of HMGET x ver buffered expiring. Once the first of the kept
-- signals has expired, their count is not to be trusted: the next signal's transition corrects it.
local function signal_refusal(s, inbox, at, now)
  if s.version ~= '' and at[1] ~= s.version then return {'VERSION', at[1]} end
  local waiting = redis.call('LLEN', inbox)
  if waiting >= s.inbox_max then return {'QUOTA'} end
  local soonest = tonumber(at[3] or '0')
  local is_full = waiting + tonumber(at[2] or '0') >= s.buffered_max
  if is_full and (soonest == 0 or soonest > now) then return {'QUOTA'} end
end

-- The entry says when it was accepted. What becomes of a signal is remembered as long as its id is.
local function put_signal(s, inbox, seen, fates, now)
  redis.call('ZADD', seen, text(now), s.id)
  redis.call('HSET', fates, s.id, s.fate)
  for _, old in ipairs(redis.call('ZRANGE', seen, 0, -1 - s.seen_max)) do
    redis.call('ZREM', seen, old)
    redis.call('HDEL', fates, old)
  end
  redis.call('RPUSH', inbox, '|' .. text(now) .. '||' .. s.event)
end
