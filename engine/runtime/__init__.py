"""The loops: advance, fire timers, hand out tasks, prune, supervise. Each is a `tick()` or answers a hint."""
