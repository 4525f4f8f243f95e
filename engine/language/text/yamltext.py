"""YAML 1.2 (core schema) to a document with places, from libyaml's events: one pass, no recursion.

Only what has a JSON form is read. Whatever YAML 1.1 and 1.2 readers would understand differently is a finding, not a
guess; tags and merge keys are refused; aliases are bounded before anything is copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from engine.language.limits import ALIAS_VALUES_MAX, ALIASES_MAX
from engine.language.text.source import Draft, Finding, Path, Unreadable, shown
from engine.language.text.yamlscalars import Ambiguous, NoJson, plain_value

_MERGE = "<<"


@dataclass(slots=True)
class _Open:
    """A container being filled."""

    value: dict[str, Any] | list[Any]
    step: str | int | None  # the key or index whose value comes next; None: a key comes next
    anchor: str | None
    count_before: int
    key_offset: int = 0
    height: int = 1  # containers inside one another from here down


@dataclass(frozen=True, slots=True)
class _Anchor:
    value: Any
    values: int
    height: int


class _Composer:
    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.open: list[_Open] = []
        self.anchors: dict[str, _Anchor | None] = {}  # None while the anchored part is still open
        self.aliases = 0
        self.alias_values = 0
        self.root: Any = None
        self.start = 0

    def path(self, *more: str | int) -> Path:
        steps = [entry.step for entry in self.open if entry.step is not None]
        return (*steps, *more)

    def take(self, event: yaml.Event) -> None:
        """Apply one event."""
        offset = _offset(event)
        match event:
            case yaml.ScalarEvent():
                self.scalar(event, offset)
            case yaml.AliasEvent():
                self.alias(str(event.anchor), offset)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self.begin(event, offset)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self.end()

    def tag(self, tag: str | None, offset: int) -> None:
        if tag is not None:
            message = f"The tag {shown(tag)} stands here; definitions are plain JSON values."
            self.draft.note("yaml_tag", offset, message, "Remove the tag.", self.path())

    def expects_key(self) -> bool:
        return bool(self.open) and self.open[-1].step is None

    def scalar(self, event: yaml.ScalarEvent, offset: int) -> None:
        self.draft.count(offset)
        self.tag(event.tag, offset)
        value: Any = event.value
        if event.implicit[0] and event.tag is None:
            value = self.plain(event.value, offset)
        if self.expects_key():
            self.key(value, event, offset)
            return
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchor(value, 1, 0)
        self.file(value, offset)

    def plain(self, text: str, offset: int) -> Any:
        """An unquoted scalar's value by the core schema."""
        path = self.path(text) if self.expects_key() else self.path()
        try:
            return plain_value(text)
        except Ambiguous as error:
            message = f"{shown(text)} is {error.new} here, but {error.old} to YAML 1.1 readers."
            self.draft.note("yaml_ambiguous", offset, message, error.hint, path)
            return error.value
        except NoJson as error:
            hint = "Use a number, a string or null."
            self.draft.note("not_json_value", offset, f"{shown(text)} {error}.", hint, path)
            return None

    def key(self, value: Any, event: yaml.ScalarEvent, offset: int) -> None:
        entry = self.open[-1]
        entry.key_offset = offset
        entry.step = event.value
        if event.value == _MERGE and event.implicit[0]:
            message = (
                "The merge key << is not part of YAML 1.2; it would be read as an ordinary key."
            )
            self.draft.note(
                "yaml_merge_key", offset, message, "Write the merged keys out.", self.path()
            )
            return
        if not isinstance(value, str):
            message = f"The key {shown(event.value)} is not text."
            self.draft.note(
                "yaml_key_not_text", offset, message, "Put the key in quotes.", self.path()
            )
        assert isinstance(entry.value, dict)
        self.draft.put(entry.value, event.value, offset, self.path())

    def begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, offset: int) -> None:
        self.tag(event.tag, offset)
        if self.expects_key():
            message = "A mapping or list stands where a key is expected."
            hint = "Keys are text. Put quotes around values that begin with { or [."
            raise Unreadable(Finding("yaml_key_not_text", offset, message, hint, self.path()))
        self.draft.deepen(len(self.open) + 1, offset, self.path())
        before = self.draft.values
        self.draft.count(offset)
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        value: dict[str, Any] | list[Any] = {} if mapping else []
        self.file(value, offset, closing=False)
        self.open.append(_Open(value, None if mapping else 0, event.anchor, before))

    def end(self) -> None:
        entry = self.open.pop()
        if entry.anchor is not None:
            size = self.draft.values - entry.count_before
            self.anchors[entry.anchor] = _Anchor(entry.value, size, entry.height)
        if self.open:
            self.grow(entry.height)
            self.advance()

    def grow(self, height: int) -> None:
        """Tell the innermost open container that a part of that height lies in it."""
        outer = self.open[-1]
        outer.height = max(outer.height, height + 1)

    def alias(self, name: str, offset: int) -> None:
        if self.expects_key():
            message = f"The alias *{name} stands where a key is expected."
            raise Unreadable(
                Finding("yaml_key_not_text", offset, message, "Write the key out.", self.path())
            )
        anchor = self.anchors.get(name)
        self.aliases += 1
        if anchor is None or self.aliases > ALIASES_MAX:
            raise Unreadable(self.bad_alias(name, offset))
        self.alias_values += anchor.values
        if self.alias_values > ALIAS_VALUES_MAX:
            message = f"Aliases add more than {ALIAS_VALUES_MAX:,} keys and values to the document."
            raise Unreadable(
                Finding("too_many_values", offset, message, "Write the parts out.", self.path())
            )
        self.draft.count(offset, anchor.values)
        if anchor.height:
            self.draft.deepen(len(self.open) + anchor.height, offset, self.path())
            if self.open:
                self.grow(anchor.height)
        self.file(anchor.value, offset)

    def bad_alias(self, name: str, offset: int) -> Finding:
        if self.aliases > ALIASES_MAX:
            message = f"The document has more than {ALIASES_MAX} aliases."
            return Finding("yaml_alias", offset, message, "Write the parts out.", self.path())
        inside = name in self.anchors
        reason = "lies inside the part it refers to" if inside else "has no anchor before it"
        hint = f"Write &{name} before the part that is meant, or put quotes around the text."
        return Finding("yaml_alias", offset, f"The alias *{name} {reason}.", hint, self.path())

    def file(self, value: Any, offset: int, *, closing: bool = True) -> None:
        """Put a value where it belongs. `closing`: it is complete, the next entry follows."""
        if not self.open:
            self.root, self.start = value, offset
            return
        entry = self.open[-1]
        if isinstance(entry.value, list):
            entry.value.append(value)
            self.draft.places[id(entry.value), len(entry.value) - 1] = (offset, offset)
        elif entry.step != _MERGE:
            assert isinstance(entry.step, str)
            entry.value[entry.step] = value
            self.draft.places[id(entry.value), entry.step] = (entry.key_offset, offset)
        if closing:
            self.advance()

    def advance(self) -> None:
        """The innermost open container's current entry is complete."""
        entry = self.open[-1]
        entry.step = len(entry.value) if isinstance(entry.value, list) else None


def _offset(event: yaml.Event) -> int:
    assert event.start_mark is not None  # libyaml marks every event
    return event.start_mark.index


def read_yaml(text: str, draft: Draft) -> tuple[Any, int]:
    """The document, and the offset it starts at. Raises Unreadable at the first syntax error."""
    composer = _Composer(draft)
    documents = 0
    for event in _events(text, composer):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                message = "A second YAML document begins here."
                hint = "Put each definition into a file of its own."
                raise Unreadable(Finding("yaml_documents", _offset(event), message, hint))
        composer.take(event)
    if documents == 0:
        hint = "A definition needs at least StartAt and States."
        raise Unreadable(Finding("empty_definition", 0, "There is nothing in the text.", hint))
    return composer.root, composer.start


def _events(text: str, composer: _Composer) -> Iterator[yaml.Event]:
    """The events of libyaml, one at a time, so that a hostile text is read no further than to its first offence."""
    loader = yaml.CSafeLoader(text)
    try:
        while (event := loader.get_event()) is not None:
            yield event
    except yaml.MarkedYAMLError as error:
        raise Unreadable(_syntax(text, error, composer.path())) from None
    except yaml.YAMLError as error:
        message = f"The text is not YAML: {' '.join(str(error).split())}."
        raise Unreadable(Finding("invalid_yaml", 0, message)) from None
    finally:
        loader.dispose()


def _syntax(text: str, error: yaml.MarkedYAMLError, path: Path) -> Finding:
    # What is never closed is best shown where it was opened.
    unclosed = "end of stream" in (error.problem or "") and error.context_mark is not None
    mark = error.context_mark if unclosed else error.problem_mark or error.context_mark
    offset = min(mark.index, len(text)) if mark is not None else 0
    problem = error.problem or "it cannot be read"
    if error.context:
        problem = f"{problem} {error.context}"
    here = text[offset : offset + 1]
    return Finding(
        "invalid_yaml", offset, f"The text is not YAML: {problem}.", _hint(problem, here), path
    )


def _hint(problem: str, here: str) -> str:
    if here == "\t":
        return "Indent with spaces: YAML does not allow tabs there."
    if here in {"@", "`", "%"}:
        return f"Put quotes around text that begins with {here}."
    if "mapping values" in problem:
        return "Put quotes around text that holds ': ', or check the indentation."
    if "expected ':'" in problem:
        return "Each line of a mapping reads `key: value`; check the indentation and the quotes."
    if "escape" in problem:
        return "Inside double quotes a backslash begins an escape; single quotes keep it as it is."
    return "Check the indentation and the quotes above."
