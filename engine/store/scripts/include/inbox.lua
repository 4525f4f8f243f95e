-- What has come in: at most 100 control entries, then at most 100 others, and the frames that these and `ready` name,
-- with their ancestors. An entry opens with the frame it is for, up to the first "|".
local INBOX_MAX = 100

local function with_ancestors(names, seen, frame)
  while frame and frame ~= '' and not seen[frame] do
    seen[frame] = true
    names[#names + 1] = 'f:' .. frame
    frame = string.match(frame, '^(.*)/[^/]*$')
  end
end

local function inbox(x, control, entries, ready)
  local first = redis.call('LRANGE', control, 0, INBOX_MAX - 1)
  local rest = redis.call('LRANGE', entries, 0, INBOX_MAX - 1)
  local names, seen = {}, {}
  for _, entry in ipairs(rest) do
    with_ancestors(names, seen, string.match(entry, '^([^|]*)|'))
  end
  local count = 0
  for frame in string.gmatch(ready, '%S+') do
    if count < INBOX_MAX then with_ancestors(names, seen, frame) end
    count = count + 1
  end
  local frames = {}
  if #names > 0 then
    local found = redis.call('HMGET', x, unpack(names))
    for i = 1, #names do
      if found[i] then
        frames[#frames + 1] = found[i]
      end
    end
  end
  return first, rest, frames
end
