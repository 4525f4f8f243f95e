"""The order in which a state's data fields apply.

    raw input -> InputPath -> Parameters -> (the state's work) -> ResultSelector -> ResultPath -> OutputPath

ResultPath writes into the raw input, not into what InputPath left of it (measured). A field that is absent hands
the same Document on, so that data which no field touches is never parsed.
https://states-language.net/spec.html#input-and-output-processing
"""

from __future__ import annotations

from engine.documents import EMPTY_OBJECT, Document
from engine.language.expressions.paths import Path, ReferencePath
from engine.language.expressions.scope import Scope
from engine.language.expressions.templates import Template
from engine.language.machine import Discard


def select(path: Path | Discard | None, document: Document, scope: Scope) -> Document:
    """InputPath and OutputPath: the whole for None, `{}` for null (measured), else what the path leads to."""
    if path is None:
        return document
    if isinstance(path, Discard):
        return EMPTY_OBJECT
    return Document.of(path.find(document.value, scope))


def shape(template: Template | None, document: Document, scope: Scope) -> Document:
    """Parameters, ResultSelector, ItemSelector: the template applied to the document; the document itself for None."""
    if template is None:
        return document
    return Document.of(template.evaluate(document.value, scope))


def place(path: ReferencePath | Discard | None, raw: Document, result: Document) -> Document:
    """ResultPath: the result itself for None ("$"), the raw input for null, else the result put into the raw input."""
    if path is None:
        return result
    if isinstance(path, Discard):
        return raw
    return Document.of(path.put(raw.value, result.value))
