"""What leads up to one call of each script about definitions and the store (see scenarios.py)."""

from world import NS, TWO

from engine.store.catalog.aliases import Route
from engine.store.catalog.profiles import Profile, Profiles, Rerouted
from engine.store.server.guard import Guard


async def add_version(world):
    await world.publish()
    return world.publish(states=TWO)


async def set_current(world):
    await world.publish()
    return world.publish(states=TWO)


async def set_alias(world):
    await world.publish()
    return world.aliases.put(NS, "d", "live", [Route(1, 100)])


async def remove_definition(world):
    await world.publish()
    await world.aliases.put(NS, "d", "live", [Route(1, 100)])
    return world.catalog.remove(NS, "d")


async def change_profile(world):
    await world.publish()
    change = Rerouted("live", b"", b"1 1 [[1,100]]")
    profiles = Profiles(world.redis, world.keys)
    return profiles.change(NS, "d", Profile(1), {"last": b"1"}, routes=[change])


async def note_loss(world):
    key = world.keys.layout
    await world.redis.call(key, "HSET", key, "identity", "this")
    guard = Guard(key, "this", world.redis.acknowledged, lambda _missing, _run: None)
    return guard.note(world.redis.script, "run")


CATALOG_SCENARIOS = [
    (note_loss, 1),
    (add_version, 2), (set_current, 1), (set_alias, 2), (remove_definition, 2), (change_profile, 3),
]  # fmt: skip
