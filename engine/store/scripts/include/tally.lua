-- What has become of an operation on many executions: counts by outcome, and reasons by execution as "x:<id>", in a
-- hash; the executions that have not answered yet in a set. An entry is {hash, set, outcome, id, keep_ms, reason or
-- nil}, the keys by their numbers among `keys`; after `keep_ms` without another answer the hash is forgotten (0: never).
local function expect_tallies(keys, tallies)
  local theirs = {}
  for _, one in ipairs(tallies or {}) do
    expect('HLEN', keys[one[1]])
    expect('SCARD', keys[one[2]])
    theirs[one[1]], theirs[one[2]] = true, true
  end
  return theirs
end

local function tally(keys, tallies)
  for _, one in ipairs(tallies or {}) do
    redis.call('SREM', keys[one[2]], one[4])
    redis.call('HINCRBY', keys[one[1]], one[3], 1)
    if one[6] then redis.call('HSET', keys[one[1]], 'x:' .. one[4], one[6]) end
    if one[5] > 0 then redis.call('PEXPIRE', keys[one[1]], one[5]) end
  end
end
