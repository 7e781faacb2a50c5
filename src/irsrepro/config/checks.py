"""Checks of claims as the configuration writes them: completed, or refused in one line.

Loaded while the workflow is parsed, so no array library is imported here; ``claims`` evaluates.

A check names its curves as ``[EXPERIMENT/]SCHEME[@POINT]``: a scheme of the check's experiment, or
of another one, over the whole sweep or held at one point of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from irsrepro.config.vocabulary import (
    COMMON,
    CURVE,
    CURVES,
    KINDS,
    OF_REALISATIONS,
    PROPERTIES,
    TEXT,
    Kind,
    Rule,
)

Plans = Mapping[str, Mapping[str, Any]]
Refuse = Callable[[str, Any, str], NoReturn]


@dataclass(frozen=True)
class Curve:
    """A scheme over the points of an experiment, or at one of them.

    Attributes:
        name: the curve as the check writes it.
        experiment: name of the experiment.
        scheme: name of the scheme.
        point: value of the swept parameter it is held at, or None for the whole sweep.
    """

    name: str
    experiment: str
    scheme: str
    point: float | None = None


def validate_check(claim_id: str, check: Mapping[str, Any], experiments_config: Plans) -> None:
    """Refuse a malformed check, without data.

    Args:
        claim_id: id of the claim it belongs to, for the message.
        check: the mapping of the configuration file, ``kind`` and its arguments.
        experiments_config: of every experiment ``schemes`` (names), ``values`` (of the sweep) and
            ``trace`` (whether there is one); if known also ``quantities`` and ``traces`` (names of
            variables) and ``iterations`` (length of the trace).

    Raises:
        ValueError: one line naming the claim, the key, the value and what is allowed.
    """
    resolve(claim_id, check, experiments_config)


def experiments_of(check: Mapping[str, Any]) -> list[str]:
    """Return the names of the experiments that a valid check reads, its own first."""
    names = [check["experiment"]]
    for key in ("scheme", "schemes", "over", "baseline"):
        listed = check.get(key) or []
        for name in [listed] if isinstance(listed, str) else listed:
            names.append(name.partition("/")[0] if "/" in name else check["experiment"])
    return list(dict.fromkeys(names))


def resolve(claim_id: str, check: Mapping[str, Any], plans: Plans) -> dict[str, Any]:
    """Check a check and complete it.

    Args:
        claim_id: id of the claim it belongs to, for the message.
        check: the mapping of the configuration file.
        plans: see ``validate_check``.

    Returns:
        Every argument of the kind, defaults filled in. A single ``scheme`` stands under ``schemes``
        for kinds that take several. Curves are ``Curve``, in lists where there may be several;
        ``points`` is the list of points, [None] if every curve is held at a point; an open end of a
        range is infinite.

    Raises:
        ValueError: as ``validate_check``.
    """

    def refuse(key: str, value: Any, allowed: str) -> NoReturn:
        raise ValueError(f"{claim_id}: {key}: {value!r} is not allowed; {allowed}")

    required, optional, kind = _arguments(check, refuse)
    rules = required | {name: rule for name, (rule, _) in optional.items()}
    given = dict(check)
    if "scheme" in given and "scheme" not in rules:
        given["schemes"] = given.pop("scheme")
    for name in given:
        if name not in rules:
            refuse(name, given[name], f"known arguments are {', '.join(rules)}")
    for name in required:
        if name not in given:
            raise ValueError(f"{claim_id}: {name}: missing; {rules[name].allowed} needed")
    for name, value in given.items():
        if not rules[name].accepts(value):
            refuse(name, value, rules[name].allowed)
    resolved = {name: default for name, (_, default) in optional.items()} | given
    if resolved["experiment"] not in plans:
        refuse("experiment", resolved["experiment"], f"allowed are {', '.join(plans)}")

    curves: list[Curve] = []
    for name, rule in rules.items():
        if rule not in (CURVE, CURVES) or resolved.get(name) is None:
            continue
        texts = [resolved[name]] if isinstance(resolved[name], str) else resolved[name]
        found = [_curve(name, text, resolved["experiment"], plans, refuse) for text in texts]
        resolved[name] = found if rule is CURVES else found[0]
        curves += found
    traced = kind.trace or resolved.get("along") == "iteration"
    _check_variables(resolved, curves, traced, plans, refuse)
    resolved["points"] = _points(resolved["points"], curves, plans, refuse)
    count = len(resolved["points"])
    if count < kind.points and resolved.get("along", "point") == "point":
        refuse("points", resolved["points"], f"at least {kind.points} are needed")
    if resolved.get("per") == "doubling":
        if resolved["along"] == "iteration":
            refuse("per", "doubling", "unit is, along iteration")
        if min(resolved["points"]) <= 0:
            refuse("per", "doubling", "unit is, with points of 0 or below")
    if resolved.get("along") == "scheme":
        _check_chain(resolved, refuse)
    for point in _listed(resolved.get("point", [])):
        if not _holds(plans[resolved["experiment"]]["values"], point):
            values = plans[resolved["experiment"]]["values"]
            refuse("point", point, f"allowed are {_joined(values)}")
    for name in ("bounds", "share"):
        if name in resolved:
            resolved[name] = _range(resolved[name])
    if "between" in resolved:
        low, high = _between(resolved["between"], resolved["points"])
        inside = sum(low <= point <= high for point in resolved["points"])
        if not 0 < inside < count:
            refuse("between", resolved["between"], "some points inside and some outside are needed")
        resolved["between"] = (low, high)
    return resolved


def _arguments(
    check: Mapping[str, Any], refuse: Refuse
) -> tuple[dict[str, Rule], dict[str, tuple[Rule, Any]], Kind]:
    """Return the required and optional arguments of a check, and what kind of data it needs."""
    name = check.get("kind")
    if not isinstance(name, str) or name not in KINDS:
        refuse("kind", name, f"allowed are {', '.join(KINDS)}")
    kind = KINDS[name]
    required = {"kind": TEXT, "experiment": TEXT, **kind.required}
    if name not in OF_REALISATIONS:
        return required, {**kind.optional, **COMMON}, kind
    wanted = check.get("property")
    if not isinstance(wanted, str) or wanted not in PROPERTIES:
        refuse("property", wanted, f"allowed are {', '.join(PROPERTIES)}")
    chosen = PROPERTIES[wanted]
    common = {key: entry for key, entry in COMMON.items() if key != "aggregate"}
    return required | {"property": TEXT, **chosen.required}, {**chosen.optional, **common}, chosen


def _curve(key: str, text: str, experiment: str, plans: Plans, refuse: Refuse) -> Curve:
    name, _, at = text.partition("@")
    if "/" in name:
        experiment, _, name = name.partition("/")
        if experiment not in plans:
            refuse(key, text, f"allowed experiments are {', '.join(plans)}")
    if name not in plans[experiment]["schemes"]:
        refuse(key, text, f"schemes of {experiment} are {_joined(plans[experiment]['schemes'])}")
    if not at:
        return Curve(text, experiment, name)
    values = plans[experiment]["values"]
    try:
        point = float(at)
    except ValueError:
        point = math.nan
    if not _holds(values, point):
        refuse(key, text, f"points of {experiment} are {_joined(values)}")
    return Curve(text, experiment, name, point)


def _holds(values: Sequence[float], wanted: float) -> bool:
    return any(math.isclose(value, wanted) for value in values)


def _joined(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _points(
    wanted: Any, curves: Sequence[Curve], plans: Plans, refuse: Refuse
) -> list[float] | list[None]:
    """Return the points that all curves not held at a point share."""
    swept = list(dict.fromkeys(curve.experiment for curve in curves if curve.point is None))
    if not swept:
        if wanted is not None:
            refuse("points", wanted, "none are, every curve is held at a point")
        return [None]
    points = [float(value) for value in plans[swept[0]]["values"]]
    if isinstance(wanted, str):
        third = math.ceil(len(points) / 3)
        points = {"first": points[:1], "last": points[-1:], "last_third": points[-third:]}[wanted]
    elif wanted is not None:
        points = [float(point) for point in wanted]
    for experiment in swept:
        values = plans[experiment]["values"]
        for point in points:
            if not _holds(values, point):
                refuse("points", wanted or point, f"points of {experiment} are {_joined(values)}")
    return points


def _range(bounds: Sequence[float | None]) -> tuple[float, float]:
    low, high = bounds
    return -math.inf if low is None else low, math.inf if high is None else high


def _between(between: Any, points: Sequence[Any]) -> tuple[float, float]:
    if between != "middle_third":
        return _range(between)
    third = (max(points) - min(points)) / 3
    return min(points) + third, max(points) - third


def _check_chain(resolved: Mapping[str, Any], refuse: Refuse) -> None:
    """Refuse a comparison along schemes that has fewer than two, or gaps without a partner."""
    key = "schemes" if "schemes" in resolved else "scheme"
    chain = [curve.name for curve in resolved[key]]
    if len(chain) < 2:
        refuse(key, chain, "at least two are needed along scheme")
    if "over" in resolved and len(resolved["over"]) != len(chain):
        over = [curve.name for curve in resolved["over"]]
        refuse("over", over, f"one for each of {', '.join(chain)} is needed along scheme")


def _check_variables(
    resolved: Mapping[str, Any], curves: Sequence[Curve], traced: bool, plans: Plans, refuse: Refuse
) -> None:
    for experiment in dict.fromkeys(curve.experiment for curve in curves):
        plan = plans[experiment]
        if traced and not plan.get("trace", False):
            having = [name for name, other in plans.items() if other.get("trace", False)]
            refuse("experiment", experiment, f"it has no trace; {', '.join(having) or 'none'} has")
        known = plan.get("traces" if traced else "quantities")
        quantity = resolved["quantity"]
        if known is not None and quantity is not None and quantity not in known:
            refuse("quantity", quantity, f"{experiment} has {', '.join(known)}")
        for iteration in _listed(resolved.get("iteration", [])):
            if iteration >= plan.get("iterations", math.inf):
                refuse("iteration", iteration, f"at most {plan['iterations'] - 1} is")
