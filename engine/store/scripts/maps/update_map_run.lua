#!lua flags=allow-oom
--[[ update_map_run
  Change what a Map Run keeps to while it runs.

  KEYS[1] run hash
  ARGV[1] concurrency, [2] tolerated count, [3] tolerated percentage ("" leaves each as it is), [4] bell, [5] run's ref
  Returns "OK" | "CLOSED" (it does not run any more) | "UNKNOWN"; only OK wrote.
]]
--- @include bell
local status = redis.call('HGET', KEYS[1], 'status')
if not status then return 'UNKNOWN' end
if status ~= 'RUNNING' then return 'CLOSED' end
for number, field in ipairs({'concurrency', 'tolerated', 'percentage'}) do
  local given = ({ARGV[1], ARGV[2], ARGV[3]})[number]
  if given ~= '' then redis.call('HSET', KEYS[1], field, given) end
end
ring(ARGV[4], 'map ' .. ARGV[5] .. ' ' .. ARGV[5])
return 'OK'
