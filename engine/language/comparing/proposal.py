"""Which new state each removed one has probably become: a proposal for the mapping of a migration.

A state of the same name is that state. Of the others, one that was renamed still looks like itself and stands where it
stood: between the same states, counting those that are known to have been renamed. So the search goes in rounds: each
accepts the pairs that the most speaks for, and these tell more about their neighbours in the next. Two candidates that
equally much speaks for are none: a wrong proposal does harm, a missing one only asks for a word of the user's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from engine.language.comparing.fit import fit
from engine.language.comparing.scopes import scope_of
from engine.language.comparing.ways import ends_scope, starts_of, ways_of
from engine.language.comparing.written import addresses_of, fields_of
from engine.language.machine import Machine, State, Task

# A tie to a neighbour: what the neighbour is to the state, what for, and its name. The scope around counts as one:
# the name of its Parallel or Map, "" at the top level.
Tie = tuple[str, tuple[str, ...], str]
Names = Mapping[str, str]  # old name -> new name

ALIKE_MAX = 50  # new states that one tie leads to; where there are more, it tells them apart too little to be followed
LIKENESS_MIN = 0.5  # of fields, and of neighbours


def propose(old: Machine, new: Machine) -> dict[str, str]:
    """For each old state that the new machine has not: the new state that it most probably became, or no entry.

    What is proposed has the same type, Resource and, where the parameters name what is called, the same name there, at least half of the same fields, at least half of the same
    neighbours, lies in the corresponding scope, and keeps what a strand in it holds (`fit`). No new state is proposed
    twice, and none that the old machine has as well.
    """
    removed = _profiles(old, old.states.keys() - new.states.keys())
    added = _profiles(new, new.states.keys() - old.states.keys())
    became = {"": "", **{name: name for name in old.states.keys() & new.states.keys()}}
    proposed: dict[str, str] = {}
    while accepted := _best(_scores(old, new, removed, added, became)):
        for name, target in accepted.items():
            del removed[name], added[target]
        became |= accepted
        proposed |= accepted
    return {name: proposed[name] for name in old.states if name in proposed}


class _Profile(Struct, frozen=True):
    """What a state is recognised by."""

    state: State
    fields: dict[str, Any]
    ties: frozenset[Tie]

    @property
    def kind(self) -> tuple[str, ...]:
        """What its work is: what cannot differ between two states of which one is to be the other."""
        if not isinstance(self.state, Task):
            return (self.state.type,)
        return self.state.resource.uri, *addresses_of(self.state)


def _profiles(machine: Machine, names: set[str]) -> dict[str, _Profile]:
    ties = _ties(machine)
    return {
        name: _Profile(state, fields_of(state), frozenset(ties[name]))
        for name, state in machine.states.items()
        if name in names
    }


def _ties(machine: Machine) -> dict[str, set[Tie]]:
    """Each state's ties, in both directions. That a Succeed or Fail ends its scope tells nothing of it."""
    ties: dict[str, set[Tie]] = defaultdict(set)
    ties[machine.start_at].add(("around", ("StartAt", "0"), ""))
    for name, state in machine.states.items():
        for label, target in ways_of(state):
            ties[name].add(("after", label, target))
            ties[target].add(("before", label, name))
        for branch, start in enumerate(starts_of(state)):
            ties[name].add(("inside", (str(branch),), start))
            ties[start].add(("around", ("StartAt", str(branch)), name))
        if ends_scope(state) and state.type not in {"Succeed", "Fail"}:
            outer, branch = scope_of(machine, name)[-1] if name in machine.parents else ("", 0)
            ties[name].add(("around", ("End", str(branch)), outer))
    return ties


Score = tuple[int, float, float]  # ties in common, and how alike the neighbours and the fields are
Scores = dict[tuple[str, str], Score]


def _scores(
    old: Machine,
    new: Machine,
    removed: Mapping[str, _Profile],
    added: Mapping[str, _Profile],
    became: Names,
) -> Scores:
    """What speaks for each pair of a removed and an added state that may be one."""
    known = frozenset(became.values())
    scores: Scores = {}
    for name, target in _neighbouring(removed, added, became, known):
        before, after = removed[name], added[target]
        is_place = _translated_scope(old, name, became) == scope_of(new, target)
        if not is_place or fit(before.state, after.state, explicit=True).verdict != "keep":
            continue
        ties = _translated(before.ties, became)
        others = frozenset(tie for tie in after.ties if tie[2] in known)
        here, there = frozenset(map(_unlabelled, ties)), frozenset(map(_unlabelled, others))
        neighbours = len(here & there) / len(here | there)
        likeness = _likeness(before.fields, after.fields)
        if min(likeness, neighbours) >= LIKENESS_MIN:
            scores[name, target] = len(ties & others) + len(here & there), neighbours, likeness
    return scores


def _best(scores: Scores) -> dict[str, str]:
    """The pairs without an equal rival, those with the most ties in common."""
    by_name: dict[str, list[Score]] = defaultdict(list)
    by_target: dict[str, list[Score]] = defaultdict(list)
    for (name, target), score in scores.items():
        by_name[name].append(score)
        by_target[target].append(score)
    lone = {
        pair: score
        for pair, score in scores.items()
        if _wins(score, by_name[pair[0]]) and _wins(score, by_target[pair[1]])
    }
    most = max((ties for ties, _, _ in lone.values()), default=0)
    return {name: target for (name, target), score in lone.items() if score[0] == most}


def _wins(score: Score, rivals: list[Score]) -> bool:
    """Whether it is the highest of them, and no other is as high."""
    return score == max(rivals) and rivals.count(score) == 1


def _neighbouring(
    removed: Mapping[str, _Profile],
    added: Mapping[str, _Profile],
    became: Names,
    known: frozenset[str],
) -> Iterator[tuple[str, str]]:
    """Pairs of one kind that have a tie to a known neighbour in common; without its label where that is telling enough."""
    led: dict[Any, list[str]] = defaultdict(list)
    for target, profile in added.items():
        for tie in profile.ties:
            if tie[2] in known:
                led[profile.kind, tie].append(target)
                led[profile.kind, _unlabelled(tie)].append(target)
    for name, profile in removed.items():
        found: dict[str, None] = {}
        for tie in _translated(profile.ties, became):
            for key in (tie, _unlabelled(tie)):
                targets = led.get((profile.kind, key), ())
                if len(targets) <= ALIKE_MAX:
                    found.update(dict.fromkeys(targets))
        yield from ((name, target) for target in found)


def _translated(ties: Iterable[Tie], became: Names) -> frozenset[Tie]:
    """The ties to neighbours that are known in the new machine, in its words."""
    return frozenset((what, label, became[name]) for what, label, name in ties if name in became)


def _translated_scope(old: Machine, name: str, became: Names) -> tuple[tuple[str | None, int], ...]:
    return tuple((became.get(outer), branch) for outer, branch in scope_of(old, name))


def _unlabelled(tie: Tie) -> tuple[str, str]:
    return tie[0], tie[2]


def _likeness(left: Mapping[str, Any], right: Mapping[str, Any]) -> float:
    """The share of the fields that are equal, of all that either state has; the type, which is, counts as one."""
    equal: int = sum(name in right and right[name] == value for name, value in left.items())
    return (1 + equal) / (1 + len(left.keys() | right.keys()))
