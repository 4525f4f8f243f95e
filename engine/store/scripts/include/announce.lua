-- Tell followers of all executions of a change: an entry in the partition's stream, which keeps about as many as it is
-- told to, and a hint to whoever has armed the bell since the last one. `event` is {stream, bell, most, entry, version},
-- the keys by their numbers among `keys`.
local function expect_event(keys, event, theirs)
  if event then
    expect('XLEN', keys[event[1]])
    theirs[event[1]], theirs[event[2]] = true, true
  end
  return theirs
end

local function announce(keys, event, channel, ref)
  if not event then return end
  redis.call('XADD', keys[event[1]], 'MAXLEN', '~', event[3], '*', 'e', event[4], 'v', event[5])
  if redis.call('DEL', keys[event[2]]) == 1 then redis.call('PUBLISH', channel, ref) end
end
