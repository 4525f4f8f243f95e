"""A run of a definition in memory: scripted answers, virtual time, no Redis and no waiting.

    machine = engine.language.read(text)
    result = Rehearsal(machine, {"order": 7}, answers={"Pay": [Fail("Busy"), Succeed({"paid": True})]}).run()
    assert result.status == "SUCCEEDED"
    assert result.waits_ms == [1000]

The rehearsal drives the same `transition` as the engine does, in the same way: it loads what `needs` asks for, applies
one event, stores what changed, performs the effects, and goes on. Between two transitions everything is packed and
unpacked as a store would do. Time passes only when there is nothing else to do, and then jumps to the next moment at
which something happens, so a wait of a year takes no time.
"""

from engine.rehearsal.answers import Answer, Answers, Fail, Silence, Submit, Succeed, given_answers
from engine.rehearsal.rehearsal import Rehearsal
from engine.rehearsal.result import BrokenPromise, Given, Result

__all__ = [
    "Answer",
    "Answers",
    "BrokenPromise",
    "Fail",
    "Given",
    "Rehearsal",
    "Result",
    "Silence",
    "Submit",
    "Succeed",
    "given_answers",
]
