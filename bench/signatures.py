"""Signatures whose keywords stand in a TypedDict, for functions that share them."""

import inspect
from collections.abc import Callable
from typing import Any, get_args, get_type_hints


def spread(function: Callable[..., Any], *, annotated: bool = False) -> inspect.Signature:
    """A function's signature with the keywords of its ``**typed: Unpack[SomeTypedDict]`` one by one, None if left out.

    ``annotated`` keeps what stands in ``Annotated``.
    """
    plain = inspect.signature(function)
    own, shared = list(plain.parameters.values()), []
    if own[-1].kind is inspect.Parameter.VAR_KEYWORD:
        (keywords,) = get_args(own.pop().annotation)
        hints = get_type_hints(keywords, include_extras=annotated)
        shared = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint)
            for name, hint in hints.items()
        ]
    before = [one for one in own if one.kind is not one.KEYWORD_ONLY]
    return plain.replace(parameters=[*before, *shared, *own[len(before) :]])
