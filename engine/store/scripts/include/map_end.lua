-- A child of a Map Run has ended: what its closing commit notes for the run, in the child's own partition. `ended` is
-- {key: number of the run's hash of ends, index, entry; run: its ref; input: the child's input goes with the entry;
-- gone {key number ...}: nothing of the child is kept but this}.
local function expect_ended(keys, ended, theirs)
  if not ended then return end
  expect('HLEN', keys[ended.key])
  theirs[ended.key] = true
  for _, number in ipairs(ended.gone or {}) do theirs[number] = true end
end

local function note_end(keys, ended, ref, x, payloads, closed, bell)
  if not ended then return end
  local ends, given = keys[ended.key], ended.input and redis.call('HGET', x, 'input') or ''
  if string.byte(given) == 2 then given = redis.call('HGET', payloads, string.sub(given, 4, 19)) or '' end
  redis.call('HSET', ends, ended.index, ended.entry .. given)
  -- One field may be the fence; two entries cannot both be unheard of.
  if redis.call('HLEN', ends) <= 2 then ring(bell, 'map ' .. ref .. ' ' .. ended.run) end
  if not ended.gone then return end
  local gone = {x, payloads}
  for _, number in ipairs(ended.gone) do gone[#gone + 1] = keys[number] end
  redis.call('UNLINK', unpack(gone))
  redis.call('ZREM', closed, ref)
end
