-- What few commits do: answers to operations, a pause, fates of signals, the feed, the end of a Map Run's child. Checked
-- at once; returns the numbers of keys that are no sorted sets, and what does it, which says whether nothing else is to
-- be left of the execution.
--- @include tally
--- @include pause_commit
--- @include fates
--- @include announce
--- @include map_end
local function prepare_others(keys, e, ref, x, timers, tasks, queues, payloads)
  local theirs = expect_event(keys, e.event, expect_tallies(keys, e.tallies))
  expect_pause(keys, e.pause, theirs)
  expect_fates(keys, e.fates, theirs)
  expect_ended(keys, e.ended, theirs, payloads)
  return theirs, function()
    tally(keys, e.tallies)
    apply_pause(keys, e.pause, ref, timers, tasks, queues, e.bell)
    tell_fates(keys, e.fates)
    announce(keys, e.event, e.feed, ref)
    return note_end(keys, e.ended, ref, x, payloads, e.bell)
  end
end
