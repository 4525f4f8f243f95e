-- Let a quarantined execution out: forget why it was set aside, and how often it was claimed in vain. `index` is the
-- zset of the quarantined ones of its partition and namespace.
local function let_out(x, index, ref)
  redis.call('HDEL', x, 'quarantine')
  redis.call('HSET', x, 'claims', '0')
  redis.call('ZREM', index, string.match(ref, ':(.*)$'))
end
