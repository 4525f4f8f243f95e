"""Commands about state machines that come at once: each is done whole, and none takes another back."""

import asyncio

import pytest

from engine.commands.state_machines import Attributes
from engine.documents import Document
from engine.errors import (
    AliasNotFound,
    DefinitionAlreadyExists,
    DefinitionNotFound,
    VersionInUse,
)
from engine.runtime.bulk.asked import Asked, Wanted
from engine.store.finding.filter import Filter
from engine.views import Caller

ME = Caller()
ROLE = Attributes("arn:aws:iam::1:role/r")


def text(number=0):
    only = '{"Type": "Wait", "Seconds": 60, "End": true}'
    return f'{{"Comment": "{number}", "StartAt": "A", "States": {{"A": {only}}}}}'.encode()


async def create(engine, number=0, **more):
    asked = {"tags": {}, "publish": False} | more
    return await engine.state_machines.create(ME, "d", text(number), "STANDARD", ROLE, **asked)


async def update(engine, number, *, publish=True, **attributes):
    given = Attributes(**attributes)
    return await engine.state_machines.update(ME, "d", text(number), given, publish=publish)


async def start(engine, target, name):
    asked = {"name": name, "input": Document.of({}), "version": target.version}
    return await engine.commands.start(ME, target.definition, **asked)


async def test_of_many_creations_one_wins_and_those_of_the_same_text_agree(engine):
    answers = await asyncio.gather(
        *(create(engine, number % 3, publish=True) for number in range(30)), return_exceptions=True
    )
    made = [answer for answer in answers if not isinstance(answer, Exception)]
    assert all(isinstance(a, DefinitionAlreadyExists) for a in answers if isinstance(a, Exception))
    assert sum(each.is_new for each in made) == 1
    assert {(each.revision.version, each.published.number) for each in made} == {(1, 1)}
    assert len(made) == 10


async def test_updates_at_once_all_take_effect_one_after_another(engine):
    await create(engine)
    made = await asyncio.gather(*(update(engine, n, publish=False) for n in range(1, 11)))
    assert sorted(each.revision.version for each in made) == list(range(2, 12))
    assert len({each.revision.id for each in made}) == 10


async def test_published_at_once_a_revision_gets_one_number(engine):
    await create(engine)
    found = await asyncio.gather(*(engine.state_machines.publish(ME, "d") for _ in range(10)))
    assert {each.number for each in found} == {1}


async def test_tags_set_at_once_are_all_there(engine):
    await create(engine)
    machines = engine.state_machines
    await asyncio.gather(*(machines.tag(ME, "d", {f"k{n}": "v"}) for n in range(10)))
    assert set(await machines.tags(ME, "d")) == {f"k{n}" for n in range(10)}


async def test_a_version_is_not_deleted_from_under_an_alias_that_comes_at_the_same_time(engine):
    machines = engine.state_machines
    await create(engine, publish=True)
    for attempt in range(20):
        number = (await update(engine, attempt + 1)).published.number
        aliased, deleted = await asyncio.gather(
            machines.create_alias(ME, "d", f"a{attempt}", [(number, 100)], ""),
            machines.unpublish(ME, "d", number),
            return_exceptions=True,
        )
        if isinstance(deleted, VersionInUse):
            assert (await machines.published_alias(ME, "d", f"a{attempt}")).routing
        else:
            assert isinstance(aliased, DefinitionNotFound)


async def test_a_target_is_the_version_its_role_and_what_it_was_named_by(engine):
    machines = engine.state_machines
    await create(engine, publish=True)
    await update(engine, 1, role="arn:aws:iam::1:role/s")
    await machines.create_alias(ME, "d", "live", [(1, 50), (2, 50)], "")
    unnamed = await machines.target(ME, "d", "", "n")
    assert (unnamed.version, unnamed.role, unnamed.published) == (None, "arn:aws:iam::1:role/s", 0)
    first = await machines.target(ME, "d", "1", "n")
    assert (first.version, first.role, first.published) == (1, ROLE.role, 1)
    chosen = [await machines.target(ME, "d", "live", f"n{number}") for number in range(50)]
    assert {(each.version, each.published, each.alias) for each in chosen} == {
        (1, 1, "live"),
        (2, 2, "live"),
    }
    assert chosen == [await machines.target(ME, "d", "live", f"n{n}") for n in range(50)]
    for qualifier, error in (("3", DefinitionNotFound), ("none", AliasNotFound)):
        with pytest.raises(error):
            await machines.target(ME, "d", qualifier, "n")
    with pytest.raises(DefinitionNotFound):
        await machines.target(ME, "a b", "", "n")


async def test_what_runs_shows_its_revision_though_it_was_replaced_and_deleted(engine):
    machines = engine.state_machines
    await create(engine)
    await start(engine, await machines.target(ME, "d", "", "n"), "n")
    await update(engine, 1)
    assert await machines.delete(ME, "d")
    view = await engine.queries.describe(ME, "d:n")
    assert view.status == "RUNNING"
    revision = await machines.revision(ME, "d", view.version)
    assert (revision.text, revision.attributes.role) == (text().decode(), ROLE.role)
    page = await engine.queries.executions(ME, Filter(state="A"), limit=9, cursor=None)
    assert [each.id for each in page.executions] == ["d:n"]


async def test_no_start_goes_to_what_was_looked_up_before_it_was_deleted(engine):
    machines = engine.state_machines
    await create(engine, publish=True)
    targets = [await machines.target(ME, "d", qualifier, "n") for qualifier in ("", "1")]
    await machines.delete(ME, "d")
    for target in targets:
        with pytest.raises(DefinitionNotFound):
            await start(engine, target, "n")
    await create(engine, 1)
    with pytest.raises(DefinitionNotFound):
        await start(engine, targets[1], "n")
    assert (await start(engine, targets[0], "n")).execution.version == 2


async def test_a_definition_made_anew_with_another_type_is_started_as_that(engine):
    machines = engine.state_machines
    await create(engine)
    await machines.delete(ME, "d")
    only = b'{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
    await machines.create(ME, "d", only, "EXPRESS", ROLE, tags={}, publish=True)
    target = await machines.target(ME, "d", "1", "n")
    started = await start(engine, target, "n")
    assert (target.type, started.execution.id.count(":")) == ("EXPRESS", 2)
    await machines.delete(ME, "d")
    with pytest.raises(DefinitionNotFound):
        await start(engine, target, "n")
    await machines.create(ME, "d", only, "EXPRESS", ROLE, tags={}, publish=False)
    with pytest.raises(DefinitionNotFound):
        await start(engine, target, "n")
    await machines.delete(ME, "d")
    await create(engine)
    assert (await start(engine, await machines.target(ME, "d", "", "n"), "n")).execution.id == "d:n"
    with pytest.raises(DefinitionNotFound):
        await start(engine, target, "m")


async def test_what_runs_of_a_deleted_definition_is_still_operated_one_and_many(engine):
    machines = engine.state_machines
    await create(engine)
    target = await machines.target(ME, "d", "", "n")
    for number in range(3):
        await start(engine, target, f"n{number}")
    await machines.delete(ME, "d")
    sent = await engine.commands.broadcast(
        ME, "d", "go", Document.of(1), signal_id="s", ttl_ms=None, attributes=()
    )
    assert sent.matched == 3
    asked = Asked(kind="terminate", wanted=Wanted(definition="d"), by="me")
    await engine.operations.begin(ME, asked, None)
    closed = [await engine.queries.closed(ME, f"d:n{number}", 20_000) for number in range(3)]
    assert {each.status for each in closed} == {"ABORTED"}
