"""JSONata in a definition: compiled at publish, evaluated as AWS Step Functions evaluates it.

`compile_jsonata` takes a document with expressions in it, `compile_typed` a field that has to yield one kind of value;
both answer a Template whose `paths` are the expressions inside.
"""

from engine.language.expressions.jsonata.expression import Expression, is_expression
from engine.language.expressions.jsonata.kinds import Kind
from engine.language.expressions.jsonata.template import compile_jsonata, compile_typed

__all__ = ["Expression", "Kind", "compile_jsonata", "compile_typed", "is_expression"]
