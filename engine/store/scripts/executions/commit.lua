#!lua flags=allow-oom
--[[ commit
  Replace an execution's checkpoint and publish the transition's effects: all of it, or none.
  The fence is the holder's nonce and the revision it read, both checked before anything is written.

  KEYS[1] x hash, [2] inbox list, [3] control list, [4] history list, [5] values hash: of the execution
  KEYS[6] ready zset, [7] timers zset, [8] tasks hash, [9] leases hash, [10] queues set, [11] closed zset: of the partition
  KEYS[12] open string, of the namespace in the partition; KEYS[13] payloads hash, of the execution
  KEYS[14...] queues and indexes (zsets), tallies and fates (see include/), that the envelope names by number
  ARGV[1] ref, [2] nonce, [3] revision the holder read, [4] lease_ms (0 = leave the lease as it is), [5] envelope, msgpack:
    set {field, bytes ...}  del {field ...}  records {bytes ...}  trim: how many are taken off the front of the history
    keep {field, bytes ...}  drop {field ...}                  values
    refs                     something here refers to payloads, or replaces what may; payloads {name: text ...} new ones
    timers {ms, member ...}  untimers {member ...}  taken, controls: how many inbox and control entries were consumed
    tasks {{id, row, queue key number, queue}...}  untasks {{id, queue key number, queue}...}
    index {{key number, score, member}...}  unindex {{key number, member}...}
    close                    prune_ms: it has ended; spent: its values can go; tell {key number, queue} of the errands that tell of it
    tallies {{hash key number, set key number, outcome, id, keep_ms, reason or nil}...} answers to operations on many executions
    fates {key number, id, fate ...} what became of signals; before: ms from which all this must not be, by Redis time
    event {stream key number, bell key number, most, entry, version}  feed: what followers are told, on which channel
    release                  let go if nothing has come in; paused: the inbox does not count; pause: see include/pause_commit
    ended: a child of a Map Run has, see include/map_end; bell, changes: channels; now: the holder's clock, refused when ahead of Redis time
  Returns {"OK", now_ms, released 0|1, control, entries, frames} | {"STALE", revision, nonce} | {"AHEAD", now_ms} (or too late) | {"LACKS"} (a payload is neither stored nor sent)
]]
--- @include clock
--- @include bell
--- @include types
local x, entries, control, history, values = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local ready, timers, tasks, leases, queues, closed = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local at = redis.call('HMGET', x, 'own', 'rev', 'watch', 'tell')
if at[1] ~= ARGV[2] or at[2] ~= ARGV[3] then return {'STALE', at[2] or '', at[1] or ''} end
local e, ref, lease_ms = cmsgpack.unpack(ARGV[5]), ARGV[1], tonumber(ARGV[4])
local now = now_ms()
if tonumber(e.now) > now or e.before and now >= tonumber(e.before) then return {'AHEAD', text(now)} end

-- Most commits are of records and frames alone. The rest is in blocks, for every function that is declared costs time.
local put_references, put_tasks, put_others, theirs = nil, nil, nil, {}
local left = redis.call('LLEN', entries) + redis.call('LLEN', control) - (e.taken or 0) - (e.controls or 0)
if e.trim or e.records and e.close then expect('LLEN', history) end
if e.keep or e.drop then expect('HLEN', values) end
if e.timers or e.untimers or e.untasks or e.pause then expect('ZCARD', timers) end
if e.refs then
--- @include payloads
--- @include references
  local counts, sent = references(e, x, values, history, tasks), e.payloads or {}
  if lacks(KEYS[13], counts, sent) then return {'LACKS'} end
  put_references = function() count(KEYS[13], counts, sent) end
end
if e.tasks or e.untasks or e.close or e.pause then
--- @include commit_tasks
  put_tasks = prepare_tasks(KEYS, e, ref, at[4], tasks, leases, queues, timers, now)
end
if e.tallies or e.event or e.pause or e.fates or e.ended then
--- @include commit_others
  theirs, put_others = prepare_others(KEYS, e, ref, x, timers, tasks, queues, KEYS[13])
end
for number = 14, #KEYS do if not theirs[number] then expect('ZCARD', KEYS[number]) end end
if e.release or e.close or lease_ms > 0 then expect('ZCARD', ready, closed) end
if e.close then redis.call('DECR', KEYS[12]) end -- refuses what is no number, so it comes before every other write

if e.trim then redis.call('LTRIM', history, e.trim, -1) end
if e.records then redis.call('RPUSH', history, unpack(e.records)) end -- unless expected above, the first write: it may refuse
redis.call('HSET', x, 'rev', text(tonumber(at[2]) + 1), unpack(e.set))
if e.del then redis.call('HDEL', x, unpack(e.del)) end
if put_references then put_references() end
if e.keep then redis.call('HSET', values, unpack(e.keep)) end
if e.drop then redis.call('HDEL', values, unpack(e.drop)) end
if e.taken then redis.call('LTRIM', entries, e.taken, -1) end
if e.controls then redis.call('LTRIM', control, e.controls, -1) end
if e.timers then redis.call('ZADD', timers, unpack(e.timers)) end
if e.untimers then redis.call('ZREM', timers, unpack(e.untimers)) end
if put_tasks then put_tasks() end
for _, add in ipairs(e.index or {}) do redis.call('ZADD', KEYS[add[1]], add[2], add[3]) end
for _, gone in ipairs(e.unindex or {}) do redis.call('ZREM', KEYS[gone[1]], gone[2]) end
if at[3] and tonumber(at[3]) > now then redis.call('PUBLISH', e.changes, ref .. (e.close and ' closed' or '')) end
local nothing_left = put_others and put_others()
if e.close then
  redis.call('ZREM', ready, ref)
  if nothing_left then return {'OK', text(now), 1, {}, {}, {}} end
  redis.call('UNLINK', control)
  if e.spent then redis.call('UNLINK', values) end
  redis.call('ZADD', closed, text(now + e.close), ref)
  redis.call('HSET', x, 'own', '', 'stopped', text(now))
  return {'OK', text(now), 1, {}, {}, {}}
end
local first, rest, frames = {}, {}, {}
if left > 0 then
--- @include inbox
  first, rest, frames = inbox(x, control, entries, '')
end
if e.release and #first == 0 and (#rest == 0 or e.paused) then
  redis.call('HSET', x, 'own', '')
  redis.call('ZREM', ready, ref)
  return {'OK', text(now), 1, first, rest, frames}
end
if lease_ms > 0 then
  redis.call('HSET', x, 'until', text(now + lease_ms))
  redis.call('ZADD', ready, text(now + lease_ms), ref)
end
return {'OK', text(now), 0, first, rest, frames}
