-- Redis undoes nothing when a script fails, so what could refuse a write later on is read first, and refuses that:
-- `read` is a cheap command of the type that the keys must have, if they exist.
local function expect(read, key, ...)
  redis.call(read, key)
  if ... then expect(read, ...) end
end
