"""No expression holds up the engine's loop, and none escapes the limits where it may take its time."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from jsonata_cases import compiled, failure_of, in_the_loop, scope_with, value_of

from engine.language.expressions.jsonata.patterns import pattern_weight
from engine.language.expressions.patience import OverBudget, Patience
from engine.language.expressions.scope import ExpressionError

STACK = (
    "Stack overflow error: Check for non-terminating recursive function. "
    "Consider rewriting as tail-recursive"
)
TIME = "Expression evaluation timeout: Check for infinite loop"
MEMORY = "Expression evaluation memory limit exceeded: Check for excessive memory usage"

LARGE = {
    "text": "a" * 250_000,
    "numbers": list(range(60_000)),
    "items": [{"k": "x" * 20, "v": n} for n in range(5_000)],
    "separator": "," * 120_000,
    "picture": "[Y]" * 80_000,
}
# Each takes seconds or gigabytes, or ends the process, where nothing bounds it.
HOSTILE = [
    "$pad('x', 2e9)",
    "$pad('x', -2e9)",
    "$states.input.text.$pad(2e9)",
    "[1..20000].$states.input.text",
    "$join([1..20000].$states.input.text)",
    "$string([1..20000].$states.input)",
    "$join($states.input.numbers.$string($), $states.input.separator)",
    "$replace($states.input.text, 'a', $states.input.text)",
    "$replace($states.input.text, /a/, $states.input.text)",
    "$replace($states.input.text, /a/, function($m) { $states.input.text })",
    "$match($states.input.text, /a/)",
    "$contains($states.input.text, /(a{1,100}){1,100}b/)",
    "$split($states.input.text, /(a{1,100}){1,100}b/)",
    "$states.input.text ~> /(a{1,100}){1,100}b/",
    "($f := /(a{1,100}){1,100}b/; $f($states.input.text))",
    "$distinct($states.input.numbers)",
    "$map([$states.input.numbers], $distinct)",
    "$formatInteger(1e15, 'I')",
    "$map([1e15], function($n) { $formatInteger($n, 'i') })",
    "$formatNumber(1, $states.input.text)",
    "$fromMillis(1, $states.input.picture)",
    "$fromMillis(1, '[M,1000000-100000000]')",
    "$now('[M,100000000-100000000]')",
    "$toMillis($states.input.text, $states.input.picture)",
    "($f := function($s, $n) { $n = 0 ? $s : $f($s & $s, $n - 1) }; $length($f('x', 40)))",
    "($f := function($o, $n) { $n = 0 ? $o : $f({'a': $o, 'b': $o}, $n - 1) }; $f({}, 40))",
    "$reduce([1..40], function($a, $i) { [$a, $a] }, [1])",
    "(" + "".join(f"${b} := [${a}, ${a}];" for a, b in zip("abcdefghijklmnopqrstuvwx", "bcdefghijklmnopqrstuvwxy", strict=True)) + "$y)",
    "($d := function($x) { $x & $x };" + "$d(" * 25 + "'x'" + ")" * 25 + ")",
    "($f := function($x) { $f($x + 1) }; $f(1))",
    "$count([1..1000000].[1..1000000])",
    "$states.input.numbers.{'n': $, 'all': $states.input.text}",
    "$states.input ~> |items|{'all': $states.input.text}|",
    "$states.input.numbers[$ in $states.input.numbers]",
    "$sort([1..500000], function($a, $b) { $a < $b })",
]  # fmt: skip


@pytest.mark.parametrize("expression", HOSTILE)
def test_in_the_loop_a_hostile_expression_is_left_to_others(expression):
    template = compiled("{% " + expression + " %}")
    with pytest.raises(OverBudget):
        template.evaluate({"input": LARGE}, scope_with({"a": 1}, patience=in_the_loop()))


def test_the_loop_is_never_held_for_long():
    """In a process of its own, whose timer ends it when the evaluations together take far longer than they may."""
    program = (
        "import signal, sys; sys.path.insert(0, 'tests/language/jsonata'); signal.alarm(60)\n"
        "from test_jsonata_bounds import *\n"
        "for text in HOSTILE:\n"
        "    template = compiled('{% ' + text + ' %}')\n"
        "    signal.setitimer(signal.ITIMER_PROF, 2)\n"
        "    try:\n"
        "        template.evaluate({'input': LARGE}, scope_with({'a': 1}, patience=in_the_loop()))\n"
        "    except OverBudget:\n"
        "        pass\n"
        "    else:\n"
        "        sys.exit(text)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "expression",
    [
        "$states.input.items.v",
        "$states.input.items[v > 490]",
        "$sum($states.input.items.v)",
        "$map($states.input.items, function($i) { $i.k & '-' & $i.v })[0]",
        "$states.input.items^(>v)[0].v",
        "$uppercase($states.input.text)",
        "$contains($states.input.text, /b+$/)",
        "$states.input",
    ],
)
def test_ordinary_work_on_a_large_document_stays_in_the_loop(expression):
    given = {"items": LARGE["items"][:500], "text": LARGE["text"][:20_000]}
    template = compiled("{% " + expression + " %}")
    template.evaluate({"input": given}, scope_with(patience=in_the_loop()))


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("($f := function($x) { $x + $f($x + 1) }; $f(1))", STACK),
        ("+".join(["1"] * 200), STACK),
        ("($f := function($x) { $f($x + 1) }; $f(1))", TIME),
        ("$distinct([1..200000])", TIME),
        ("[1..873783]", MEMORY),
        ("$pad('x', 8388608)", MEMORY),
        ("$range(1, 100001, 1)", MEMORY),
        ("$range(1, 1e300, 1)", MEMORY),
        ("$formatInteger(1e15, 'I')", MEMORY),
        ("$replace($pad('a', 100000), ' ', $pad('b', 100000))", MEMORY),
    ],
)
def test_alone_a_hostile_expression_fails_in_aws_s_words(expression, message):
    assert failure_of(expression) == f"threw an error during evaluation: {message}"


def test_aws_s_limits_are_reached_before_they_are_exceeded():
    assert value_of("$count([1..873782])") == 873_782
    assert value_of("$length($pad('x', 4194304))") == 4_194_304
    assert value_of("($f := function($n) { $n = 0 ? 0 : $f($n - 1) }; $f(5000))") == 0


@pytest.mark.parametrize(
    "expression",
    ["$states.input ~> /(a{1,100}){1,100}b/", "$match($states.input, /(a{1,100}){1,100}b/)"],
)
def test_alone_a_pattern_that_is_too_heavy_for_the_data_is_not_tried(expression):
    assert failure_of(expression, LARGE["text"]) == f"threw an error during evaluation: {TIME}"


def test_a_result_that_costs_more_than_is_left_is_out_of_memory():
    found = failure_of("[1..100].$states.input", "x" * 500_000)
    assert found == f"threw an error during evaluation: {MEMORY}"


def test_the_time_that_is_left_bounds_an_evaluation():
    patience = Patience(30, lambda: 0.0)
    template = compiled("{% ($f := function($x) { $f($x + 1) }; $f(1)) %}")
    with pytest.raises(ExpressionError, match="timeout"):
        template.evaluate({"input": None}, scope_with(patience=patience))


def test_no_time_left_gives_up_before_evaluating():
    moments = iter((0.0, 1.0))
    patience = Patience(50, lambda: next(moments), insists=False)
    with pytest.raises(OverBudget):
        compiled("{% 1 %}").evaluate({"input": None}, scope_with(patience=patience))


def test_a_panic_of_the_evaluator_is_a_failure_like_any_other():
    from engine.language.expressions.jsonata.native import NativeFailure, run

    source = '{"v": $fromMillis(1, "[Y,1000000000]")}'
    with pytest.raises(NativeFailure) as caught:
        run(source, frozenset(), {}, entropy=None, timeout_ms=100, sequence_max=100)
    assert caught.value.code == ""


def test_an_integer_that_no_64_bits_hold_and_a_function_that_fails_on_it_is_a_failure():
    found = failure_of("$uppercase($states.input)", 2**80)
    assert "T0410" in found


def test_an_expression_is_evaluated_in_any_thread():
    template = compiled("{% $states.input.n + 1 %}")
    found = []

    def work(n):
        found.extend(
            template.evaluate({"input": {"n": n}}, scope_with()) == n + 1 for _ in range(50)
        )

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 400


def test_compiled_forms_are_bounded(monkeypatch):
    from engine.language.expressions.jsonata import native

    monkeypatch.setattr(native, "COMPILED_MAX", 10)
    monkeypatch.setattr(native, "_thread", native._Thread())
    for n in range(50):
        assert value_of(f"{n} + 1") == n + 1
    assert len(native._thread.compiled) == 10


@pytest.mark.parametrize(
    ("pattern", "weight"),
    [("a+", 2), ("a{3}", 12), ("(a{1,100}){1,100}b", 180_000), ("a{2,}", 10), ("", 1)],
)
def test_the_weight_of_a_pattern_counts_its_repetitions(pattern, weight):
    assert pattern_weight(pattern) == weight
