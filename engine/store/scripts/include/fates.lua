-- What has become of signals, `fates`: {number of the hash among `keys`, id, packed fate, id, packed fate ...}.
-- `theirs` collects the numbers of keys that are no sorted sets.
local function expect_fates(keys, fates, theirs)
  if not fates then return end
  expect('HLEN', keys[fates[1]])
  theirs[fates[1]] = true
end

local function tell_fates(keys, fates)
  for at = 2, fates and #fates or 0, 2 do
    local hash, id = keys[fates[1]], fates[at]
    if redis.call('HEXISTS', hash, id) == 1 then redis.call('HSET', hash, id, fates[at + 1]) end
  end
end
