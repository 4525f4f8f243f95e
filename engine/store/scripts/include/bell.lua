-- Tell other processes, unless `bell` is empty: it names the channel and who rings, who has seen to it already.
local function ring(bell, message)
  local channel, sender = string.match(bell, '^(%S+) (%S+)$')
  if channel then redis.call('PUBLISH', channel, sender .. ' ' .. message) end
end
