-- What a driver of a Map Run is told whenever it has written: how it stands, and what it is to keep to from now on.
local function standing(run, out)
  local at = redis.call('HMGET', run, 'status', 'concurrency', 'tolerated', 'percentage', 'size', 'out',
    'n:SUCCEEDED', 'n:FAILED', 'n:TIMED_OUT', 'n:ABORTED', 'i:SUCCEEDED', 'i:FAILED', 'i:TIMED_OUT', 'i:ABORTED', 'pending')
  for i = 1, 15 do at[i] = at[i] or '' end
  return {'OK', redis.call('SCARD', out), unpack(at)}
end
