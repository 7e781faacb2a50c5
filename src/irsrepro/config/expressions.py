"""Numbers of checks that follow from the parameters of a reading instead of being typed.

A bound may be an expression in the parameters of the check's experiment, ``near_paths`` or
``min(users, near_paths + far_paths)``; the points of a check may be those above, from, up to or
below one, ``points: {above: near_paths}``. Before a claim is evaluated, both become numbers. A
check that has no points under a reading, or fewer than it needs, says nothing there and is left
out, and so is a claim without checks, or under a value that its ``unless`` names.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from irsrepro.config.checks import curves_of, experiments_of, fewest_points, resolve
from irsrepro.config.problems import one_of, raise_config_error

if TYPE_CHECKING:
    from irsrepro.config.paper import Paper

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
ALLOWED = "a number, or an expression of numbers and parameters with + - * / min() max()"


def value_of(expression: Any, parameters: Mapping[str, Any]) -> float:
    """Return the value of an expression.

    Args:
        expression: a number, or text such as ``near_paths + 1``.
        parameters: what its names stand for.

    Raises:
        ValueError: it is neither, or names a parameter that is not there or is no number; the
            message is what is expected.
    """
    if is_number(expression):
        return float(expression)
    try:
        if not isinstance(expression, str):
            raise TypeError
        return float(_value(ast.parse(expression, mode="eval").body, parameters))
    except KeyError as error:
        name = error.args[0]
        numbers = [key for key, value in parameters.items() if is_number(value)]
        raise ValueError(
            f"parameters with one number instead of {name}, {one_of(numbers)}"
        ) from error
    except (SyntaxError, TypeError, ZeroDivisionError) as error:
        raise ValueError(ALLOWED) from error


def _value(node: ast.expr, parameters: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value) if is_number(value):
            return value
        case ast.Name(id=name):
            if not is_number(parameters.get(name)):
                raise KeyError(name)
            return parameters[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(left, parameters), _value(right, parameters))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, parameters)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS and args:
            return FUNCTIONS[name](*(_value(arg, parameters) for arg in args))
    raise TypeError


def is_number(value: Any) -> bool:
    """Whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def claims_under(paper: Paper, reading: str) -> dict[str, dict[str, Any]]:
    """Return the claims of a paper with every number that a reading gives them.

    Raises:
        ConfigurationError: one line naming the claim, the key, the value and what is expected.
    """
    claims = {}
    for name, claim in paper.claims.items():
        checks = [
            None
            if _is_undefined(claim, check, paper, reading)
            else _check_under(name, check, paper, reading)
            for check in claim["checks"]
        ]
        if by_place := {place: check for place, check in enumerate(checks) if check is not None}:
            claims[name] = {**claim, "checks": list(by_place.values()), "places": list(by_place)}
    return claims


def _is_undefined(
    claim: Mapping[str, Any], check: Mapping[str, Any], paper: Paper, reading: str
) -> bool:
    """Whether a reading has a value, where a check is made, that leaves it without meaning."""
    return any(
        paper.experiment_parameters(reading, experiment).get(parameter) == value
        for parameter, value in claim.get("unless", {}).items()
        for experiment in experiments_of(check)
        if experiment in paper.experiments
    )


def pairs_of(paper: Paper, claims: Mapping[str, Any]) -> dict[str, list[set[tuple[str, str]]]]:
    """Return the experiments and schemes that each check of claims compares, by claim."""
    plans = plans_of(paper)
    return {
        name: [
            {(curve.experiment, curve.scheme) for curve in curves_of(resolve(name, check, plans))}
            for check in claim["checks"]
        ]
        for name, claim in claims.items()
    }


def plans_of(paper: Paper) -> dict[str, dict[str, Any]]:
    """Return what ``checks.resolve`` has to know about experiments, before their data is there."""
    return {
        name: {"schemes": plan["schemes"], "values": plan["sweep"]["values"],
               "trace": plan.get("trace", False)}
        for name, plan in paper.experiments.items()
    }  # fmt: skip


def check_claims(paper: Paper) -> None:
    """Check that experiments have what the checks of claims need, under every reading.

    Raises:
        ConfigurationError: one line for the first that has not.
    """
    plans = plans_of(paper)
    for claim, entry in paper.claims.items():
        for number, check in enumerate(entry["checks"]):
            place = f"config/{paper.key}.yaml: claims.{claim}.checks.{number}"
            for reading in paper.readings if _depends(check) else list(paper.readings)[:1]:
                numeric_check = _check_under(claim, check, paper, reading)
                if numeric_check is not None:
                    resolve(place, numeric_check, plans)


def _depends(check: Mapping[str, Any]) -> bool:
    """Whether a check has numbers that follow from parameters."""
    ends = check.get("bounds") or ()
    return any(isinstance(end, str) for end in ends) or isinstance(check.get("points"), Mapping)


def _check_under(
    claim: str, check: Mapping[str, Any], paper: Paper, reading: str
) -> dict[str, Any] | None:
    """Return a check in numbers, or None where it has too few points."""
    numeric_check, experiment = dict(check), check["experiment"]
    if not _depends(check) or experiment not in paper.experiments:
        return numeric_check
    place = f"config/{paper.key}.yaml: claims.{claim}"
    parameters = paper.experiment_parameters(reading, experiment)

    def number(key: str, text: Any) -> float:
        try:
            return value_of(text, parameters)
        except ValueError as error:
            raise_config_error(place, key, text, str(error))

    if "bounds" in check:
        numeric_check["bounds"] = [
            number("bounds", end) if isinstance(end, str) else end for end in check["bounds"]
        ]
    if isinstance(limits := check.get("points"), Mapping):
        for name in limits:
            if name not in LIMITS:
                raise_config_error(place, "points", name, one_of(LIMITS))
        ends = {name: number("points", text) for name, text in limits.items()}
        numeric_check["points"] = [
            point
            for point in paper.experiments[experiment]["sweep"]["values"]
            if all(LIMITS[name](point, end) for name, end in ends.items())
        ]
        if len(numeric_check["points"]) < fewest_points(check):
            return None
    return numeric_check
