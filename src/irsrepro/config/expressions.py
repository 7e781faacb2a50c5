"""Numbers of checks that follow from the parameters of a reading instead of being typed.

A bound may be an expression in the parameters of the check's experiment, ``near_paths`` or
``min(users, near_paths + far_paths)``; the points of a check may be those above, from, up to or
below one, ``points: {above: near_paths}``. Before a claim is evaluated, both become numbers. A
check that has no points under a reading, or fewer than it needs, says nothing there and is left
out, and so is a claim without checks.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from irsrepro.config.vocabulary import KINDS

if TYPE_CHECKING:
    from irsrepro.config.loading import Document

OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {"min": min, "max": max}
LIMITS: Mapping[str, Callable[[Any, Any], bool]] = {
    "above": operator.gt,
    "from": operator.ge,
    "up_to": operator.le,
    "below": operator.lt,
}
ALLOWED = "a number, or an expression of numbers and parameters with + - * / min() max() is"


def value_of(expression: Any, parameters: Mapping[str, Any]) -> float:
    """Return the value of an expression.

    Args:
        expression: a number, or text such as ``near_paths + 1``.
        parameters: what its names stand for.

    Raises:
        ValueError: it is neither, or names a parameter that is not there or is no number.
    """
    if _is_number(expression):
        return float(expression)
    try:
        if not isinstance(expression, str):
            raise TypeError
        return float(_value(ast.parse(expression, mode="eval").body, parameters))
    except KeyError as error:
        name = error.args[0]
        numbers = [key for key, value in parameters.items() if _is_number(value)]
        reason = f"{name!r} is no parameter with one number; those are {', '.join(numbers)}"
        raise ValueError(f"{expression!r} is not allowed; {reason}") from error
    except (SyntaxError, TypeError, ZeroDivisionError) as error:
        raise ValueError(f"{expression!r} is not allowed; {ALLOWED}") from error


def _value(node: ast.expr, parameters: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value) if _is_number(value):
            return value
        case ast.Name(id=name):
            if not _is_number(parameters.get(name)):
                raise KeyError(name)
            return parameters[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(left, parameters), _value(right, parameters))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, parameters)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS and args:
            return FUNCTIONS[name](*(_value(each, parameters) for each in args))
    raise TypeError


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def claims_under(document: Document, reading: str) -> dict[str, dict[str, Any]]:
    """Return the claims of a paper with every number that a reading gives them.

    Raises:
        ValueError: one line naming the claim, the key, the value and what is allowed.
    """
    found = {}
    for name, claim in document.claims.items():
        checks = [_check_under(name, check, document, reading) for check in claim["checks"]]
        if kept := [check for check in checks if check is not None]:
            found[name] = {**claim, "checks": kept}
    return found


def _check_under(
    claim: str, check: Mapping[str, Any], document: Document, reading: str
) -> dict[str, Any] | None:
    """Return a check in numbers, or None where it has too few points."""
    made = dict(check)
    experiment = str(check.get("experiment"))
    if experiment not in document.experiments:
        return made  # refused where checks are

    def number(key: str, text: Any) -> float:
        parameters = document.experiment_parameters(reading, experiment)
        try:
            return value_of(text, parameters)
        except ValueError as error:
            raise ValueError(f"{claim}: {key}: {error}") from error

    if isinstance(bounds := check.get("bounds"), list):
        made["bounds"] = [number("bounds", end) if isinstance(end, str) else end for end in bounds]
    if isinstance(limits := check.get("points"), Mapping):
        for name in limits:
            if name not in LIMITS:
                raise ValueError(
                    f"{claim}: points: {name!r} is not allowed; allowed are {', '.join(LIMITS)}"
                )
        ends = {name: number("points", text) for name, text in limits.items()}
        made["points"] = [
            point
            for point in document.experiments[experiment]["sweep"]["values"]
            if all(LIMITS[name](point, end) for name, end in ends.items())
        ]
        kind = KINDS.get(str(check.get("kind")))
        if len(made["points"]) < (kind.points if kind else 1):
            return None
    return made
