-- Payloads: documents too large to be written again at each transition. Their hash holds name (16 bytes) -> text, and
-- "#" .. name -> how many stored things refer to it. What refers to payloads opens with byte 2, their number in two
-- bytes, then their names; nothing else opens so. `counts` is what a script changes: name -> references more or less.
local function refer(counts, item, by)
  if not item or string.byte(item) ~= 2 then return end
  local high, low = string.byte(item, 2, 3)
  for at = 4, 3 + 16 * (high * 256 + low), 16 do
    local name = string.sub(item, at, at + 15)
    counts[name] = (counts[name] or 0) + by
  end
end

-- A task's row: the secret of its token stands first.
local function refer_row(counts, row, by)
  if row then refer(counts, string.sub(row, string.find(row, '|', 1, true) + 1), by) end
end

-- Fields of a hash that are about to be written {field, bytes ...} and deleted {field ...}.
local function refer_fields(counts, key, written, deleted)
  local names = {}
  for i = 1, #(written or {}), 2 do
    names[#names + 1] = written[i]
    refer(counts, written[i + 1], 1)
  end
  for _, name in ipairs(deleted or {}) do names[#names + 1] = name end
  if #names == 0 then return end
  for _, item in ipairs(redis.call('HMGET', key, unpack(names))) do refer(counts, item, -1) end
end

-- Whether something is to refer to a payload that is neither stored nor among those sent.
local function lacks(payloads, counts, sent)
  expect('HLEN', payloads)
  for name, by in pairs(counts) do
    if by > 0 and not sent[name] and redis.call('HEXISTS', payloads, name) == 0 then return true end
  end
end

local function count(payloads, counts, sent)
  for name, by in pairs(counts) do
    if by > 0 and sent[name] then redis.call('HSETNX', payloads, name, sent[name]) end
    if by ~= 0 and redis.call('HINCRBY', payloads, '#' .. name, text(by)) <= 0 then
      redis.call('HDEL', payloads, name, '#' .. name)
    end
  end
end

-- A task's row is gone, and what it referred to with it.
local function release_row(payloads, row)
  local counts = {}
  refer_row(counts, row, -1)
  count(payloads, counts, {})
end
