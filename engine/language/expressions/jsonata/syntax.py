"""JSONata text to a syntax tree, or to the fault that AWS would report.

The parser is jsonata-python's: jsonatapy, which evaluates, shows no tree and words its messages differently. Regular
expressions are kept as text, for Python's own engine is not the one that will run them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jsonata.jexception import JException
from jsonata.parser import Parser

from engine.language.expressions.faults import SyntaxFault, one_line
from engine.language.expressions.jsonata.messages import message

Node = Any  # jsonata.parser.Parser.Symbol, which has one class for all kinds of node

TEXT_LENGTH_MAX = 65_536  # characters of one expression; ours, for parsing is pure Python


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression as written."""

    text: str


def _pattern(text: str, _flags: Any) -> Pattern:
    return Pattern(text)


def parse(text: str) -> Node:
    """The syntax tree of an expression.

    Raises SyntaxFault with jsonata-js's message, without its code, and the character that it stands at.
    """
    if len(text) > TEXT_LENGTH_MAX:
        raise SyntaxFault(f"The expression is longer than {TEXT_LENGTH_MAX:,} characters")
    try:
        tree = Parser().parse(text, _pattern)
        errors = tree.errors
    except JException as fault:
        raise _fault(fault, text) from None
    except RecursionError:
        raise SyntaxFault("The expression nests too deeply") from None
    except RuntimeError as fault:  # of a function's signature
        raise SyntaxFault(str(fault)) from None
    except KeyError as unknown:  # the parser looks the operator up without a net
        raise SyntaxFault(message("S0204", [unknown.args[0]])) from None
    except Exception:
        # The parser runs off the end of a text that stops in the middle of a comment, and trips over some others.
        code = "S0106" if text.rfind("/*") > text.rfind("*/") else "S0207"
        raise SyntaxFault(message(code, []), at=max(0, len(text) - 1)) from None
    if errors:
        raise _fault(errors[0], text)
    return tree


def _fault(fault: JException, text: str) -> SyntaxFault:
    arguments = [_shown(a) for a in (fault.current, fault.expected, fault.extra) if a is not None]
    found = message(str(fault.error), arguments)
    location = fault.location if isinstance(fault.location, int) else 0
    return SyntaxFault(one_line(found, 300), at=min(max(0, location - 1), max(0, len(text) - 1)))


def _shown(token: Any) -> Any:
    """A token for a message; a part of the tree, which has no short form, as its own token."""
    if isinstance(token, Pattern):
        return f"/{token.text}/"
    return token if isinstance(token, str | int | float | bool) else getattr(token, "value", "")
