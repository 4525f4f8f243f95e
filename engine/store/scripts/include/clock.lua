-- Redis time in whole milliseconds, and numbers as text: Lua's own tostring loses digits of a timestamp.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function text(number)
  return string.format('%.0f', number)
end
