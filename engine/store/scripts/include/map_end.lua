-- A child of a Map Run has ended: what its closing commit notes for the run, in the child's own partition. `ended` is
-- {key: number of the run's hash of ends, index, entry; run: its ref; input: the child's input goes with the entry;
-- gone {key number ...}: all keys of the child, of which nothing is kept but this}.
local function expect_ended(keys, ended, theirs, payloads)
  if not ended then return end
  expect('HLEN', keys[ended.key])
  if ended.input then expect('HLEN', payloads) end
  theirs[ended.key] = true
  for _, number in ipairs(ended.gone or {}) do theirs[number] = true end
end

-- Whether nothing else is left of it.
local function note_end(keys, ended, ref, x, payloads, bell)
  if not ended then return end
  local ends, given = keys[ended.key], ended.input and redis.call('HGET', x, 'input') or ''
  if string.byte(given) == 2 then given = redis.call('HGET', payloads, string.sub(given, 4, 19)) or '' end
  redis.call('HSET', ends, ended.index, ended.entry .. given)
  -- One field may be the fence; two entries cannot both be unheard of.
  if redis.call('HLEN', ends) <= 2 then ring(bell, 'map ' .. ref .. ' ' .. ended.run) end
  if not ended.gone then return end
  local gone = {}
  for n, number in ipairs(ended.gone) do gone[n] = keys[number] end
  redis.call('UNLINK', unpack(gone))
  return true
end
