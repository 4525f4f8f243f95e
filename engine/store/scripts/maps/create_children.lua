--[[ create_children
  Start children of a Map Run that lie in one partition, each once. A child that was started before is not started again,
  whatever is left of it; one that was stopped before it was there, or is started by who has lost the run, is refused.

  KEYS[1] ready zset, [2] definitions hash, [3] index zset of (processor, RUNNING), [4] open string, [5] versions zset of the
  processor, [6] changes stream, [7] bell string of followers, [8] hash of ends of the run: all of the partition
  KEYS[9...] of each child: x hash, refused string
  ARGV[1] envelope, msgpack: definition (the processor), version, claims: how often the run had been taken by who starts them;
    open_max (0 = no limit), bell; children {{index, id, ref, key of the start, fields {field, bytes ...}, entry}...}
    event {1, 2, most}, feed: what followers are told, with each child's entry, on which channel (none = nil)
  Returns a word for each child: "OK" | "EXISTS" | "CONFLICT" | "REFUSED" | "UNKNOWN" | "QUOTA"; only OK wrote.
]]
--- @include clock
--- @include bell
--- @include types
--- @include announce
local ready, definitions, index, open, versions, ends = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[8]
local e = cmsgpack.unpack(ARGV[1])
local at = redis.call('HMGET', definitions, e.definition, e.definition .. ':first')
local is_known = tonumber(at[1] or '1') >= 0 and tonumber(e.version) >= tonumber(at[2] or '1')
local asked = {'by'}
for n, child in ipairs(e.children) do asked[n + 1] = child[1] end
local noted = redis.call('HMGET', ends, unpack(asked))
local is_fenced = noted[1] and tonumber(noted[1]) > e.claims
local room = e.open_max > 0 and e.open_max - tonumber(redis.call('GET', open) or '0') or math.huge
local words, made = {}, {}
for n, child in ipairs(e.children) do
  local found, word = redis.call('HMGET', KEYS[7 + 2 * n], 'status', 'key'), 'OK'
  local was_refused = redis.call('GET', KEYS[8 + 2 * n]) == child[4]
  if found[1] then word = found[2] == child[4] and 'EXISTS' or 'CONFLICT'
  elseif was_refused then word = 'REFUSED'
  -- A child that has ended may have left nothing but the note of it.
  elseif noted[n + 1] then word = 'EXISTS'
  elseif is_fenced then word = 'REFUSED'
  elseif not is_known then word = 'UNKNOWN'
  elseif #made >= room then word = 'QUOTA'
  else made[#made + 1] = n end
  words[n] = word
end
if #made == 0 then return words end
expect('ZCARD', ready, index, versions)
local followed = {KEYS[6], KEYS[7]}
expect_event(followed, e.event, {})
local now = text(now_ms())
local idle = redis.call('ZCOUNT', ready, '-inf', now) == 0
local due, listed, of = {}, {}, {}
redis.call('INCRBY', open, #made) -- refuses what is no number, so it comes before every other write
local version = string.char(97 + #e.version) .. e.version .. ':' .. string.format('%013.0f', tonumber(now)) .. ':'
for i, n in ipairs(made) do
  local child = e.children[n]
  redis.call('HSET', KEYS[7 + 2 * n], 'status', 'RUNNING', 'rev', '0', 'own', '', 'until', '0', 'claims', '0', 'ready', '0',
    'digest', '', 'ver', e.version, 'started', now, 'key', child[4], unpack(child[5]))
  due[2 * i - 1], due[2 * i] = now, child[3]
  listed[2 * i - 1], listed[2 * i] = now, child[2]
  of[2 * i - 1], of[2 * i] = '0', version .. child[2]
end
redis.call('ZADD', index, unpack(listed))
redis.call('ZADD', versions, unpack(of))
redis.call('ZADD', ready, unpack(due))
if idle then ring(e.bell, 'ready ' .. due[2]) end
for _, n in ipairs(e.event and made or {}) do
  announce(followed, {e.event[1], e.event[2], e.event[3], e.children[n][6], e.version}, e.feed, e.children[n][3])
end
return words
