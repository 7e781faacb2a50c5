"""What the sections of a paper's configuration say of each other, and of its code.

Every name refers to something, every value of a parameter is one that it may have, and values that
meet in an experiment fit together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from irsrepro.config.modules import is_scheme, module_file, quantities_of
from irsrepro.config.parameters import PaperParameters
from irsrepro.config.problems import config_error, one_of, raise_config_error

Source = Mapping[str, Any]
Member = tuple[str, Any, Iterable[Any]]
SECONDS = "seconds"  # what a timed experiment reports besides


def check_names(file: str, source: Source) -> None:
    """Check that whatever a section names is there.

    Args:
        file: of the configuration, for errors.
        source: its content, of the right shape.

    Raises:
        ConfigurationError: one line for the first name that is not.
    """
    for place, value, members in _members(source):
        if value not in members:
            raise_config_error(file, place, value, one_of(members))


def check_parameters(file: str, source: Source, parameters: type[PaperParameters]) -> None:
    """Check values of parameters everywhere but in what-ifs, and complete the units.

    Raises:
        ConfigurationError: one line for the first that is wrong.
    """
    for name, entry in source["parameters"].items():
        parameters.check(name, entry["value"], file, f"parameters.{name}.value")
        unit = parameters.unit(name)
        if entry.setdefault("unit", unit) != unit:
            raise_config_error(file, f"parameters.{name}.unit", entry["unit"], unit)
        if "plausible" in entry:
            _check_plausible(file, name, entry["value"], entry["plausible"], parameters)
    for name in parameters.model_fields:
        if name not in source["parameters"]:
            reason = f"missing; {parameters.source()} has it"
            raise config_error(f"{file}: parameters.{name}: {reason}")
    for place, values in _settings(source):
        check_values(file, place, values, parameters)


def _check_plausible(
    file: str, name: str, default: Any, plausible: Mapping[str, Any], kind: type[PaperParameters]
) -> None:
    """Check that a parameter may have its plausible values, and that they are about its default."""
    place = f"parameters.{name}.plausible"
    for number, value in enumerate(plausible.get("values", ())):
        kind.check(name, value, file, f"{place}.values.{number}")
        if value == default:
            expected = f"another value than the parameter's own {default!r}"
            raise_config_error(file, f"{place}.values.{number}", value, expected)
    if "between" not in plausible:
        return
    between = low, high = plausible["between"]
    for end in between:
        kind.check(name, end, file, f"{place}.between")
    if isinstance(default, bool | str | list | dict) or not low <= default <= high:
        raise_config_error(file, f"{place}.between", between, f"a range that holds {default!r}")
    if plausible.get("scale") == "log" and low <= 0:
        raise_config_error(file, f"{place}.between", between, "ends above 0, as scale is log")
    step = plausible.get("step")
    if step is None:
        # Any number in between may be drawn, so a parameter of whole numbers needs a step.
        kind.check(name, (low + high) / 2, file, f"{place}: between its ends without a step")
    else:
        kind.check(name, low + step, file, f"{place}.step: one step above {low}")
        for end in (default, high):
            if abs((end - low) / step - round((end - low) / step)) > 1e-9:
                expected = f"one by which {end} can be reached from {low}"
                raise_config_error(file, f"{place}.step", step, expected)


def check_values(
    file: str, place: str, values: Mapping[str, Any], parameters: type[PaperParameters]
) -> None:
    """Check values that something sets.

    Raises:
        ConfigurationError: one line for the first that is wrong.
    """
    for name, value in values.items():
        parameters.check(name, value, file, f"{place}.{name}")


def check_code(file: str, key: str, source: Source) -> None:
    """Check that the modules of a paper have the schemes, metrics and quantities that are named.

    Raises:
        ConfigurationError: one line for the first that they have not.
    """
    for scheme, entry in source["schemes"].items():
        if "command" in entry:
            if module_file(f"irsrepro.papers.{key}.solution") is None:
                expected = (
                    f"a file src/irsrepro/papers/{key}/solution.py that declares what it returns"
                )
                raise_config_error(file, f"schemes.{scheme}.command", entry["command"], expected)
            _check_untimed(file, scheme, source)
            continue
        module = entry.get("module", scheme)
        if not is_scheme(f"irsrepro.papers.{key}.schemes.{module}"):
            place = f"src/irsrepro/papers/{key}/schemes"
            raise_config_error(file, f"schemes.{scheme}", module,
                               f"a module of {place} that defines design()")  # fmt: skip
    strings, variables = quantities_of(key)
    metrics = {f"experiments.{name}.metric": entry["metric"]
               for name, entry in source["experiments"].items()}  # fmt: skip
    quantities = {
        f"claims.{claim}.checks.{number}.quantity": check["quantity"]
        for claim, entry in source["claims"].items()
        for number, check in enumerate(entry["checks"])
        if "quantity" in check
    }
    for place, name in (metrics | quantities).items():
        if name not in strings and name != SECONDS:
            expected = (
                f"what a system model or scheme of {key} reports, {one_of(sorted(variables))}"
            )
            raise_config_error(file, place, name, expected)


def _check_untimed(file: str, scheme: str, source: Source) -> None:
    """Refuse a command in an experiment about times: most of its own is that of starting."""
    untimed = [name for name, plan in source["experiments"].items() if not plan.get("timed")]
    for name, plan in source["experiments"].items():
        if scheme in plan["schemes"] and name not in untimed:
            expected = f"an experiment that is not timed, {one_of(untimed)}"
            raise_config_error(file, f"schemes.{scheme}.experiments", name, expected)


def _members(source: Source) -> Iterator[Member]:
    """Yield place, name and what it must be one of."""
    ensembles, schemes = source["ensembles"], source["schemes"]
    experiments, figures = source["experiments"], source["figures"]
    for name, entry in source["parameters"].items():
        place = f"parameters.{name}"
        users = entry.get("used_by", [])
        users = users if isinstance(users, list) else []
        yield from _references(f"{place}.used_by", users, [*schemes, "external"])
        yield from _references(f"{place}.ensembles", entry.get("ensembles", []), ensembles)
    for name, entry in ensembles.items():
        yield from _references(
            f"ensembles.{name}.draws_of", [*filter(None, [entry.get("draws_of")])], ensembles
        )
    for name, entry in schemes.items():
        yield from _references(
            f"schemes.{name}.experiments", entry.get("experiments", []), experiments
        )
    for name, entry in source["alternatives"].items():
        yield from _references(
            f"alternatives.{name}.experiments", entry.get("experiments", []), experiments
        )
    for name, entry in experiments.items():
        place = f"experiments.{name}"
        yield f"{place}.ensemble", entry["ensemble"], ensembles
        yield from _references(f"{place}.schemes", entry["schemes"], schemes)
        yield from _references(f"{place}.first", entry.get("first", []), entry["schemes"])
    for name, entry in figures.items():
        place, figure_experiments = f"figures.{name}", entry.get("experiments", [])
        if "ensemble" in entry:
            yield f"{place}.ensemble", entry["ensemble"], ensembles
        single = {figure: None for figure, other in figures.items() if other["kind"] != "sheet"}
        yield from _references(f"{place}.figures", entry.get("figures", []), single)
        yield from _references(f"{place}.experiments", figure_experiments, experiments)
        yield from _references(
            f"{place}.top.experiments",
            entry.get("top", {}).get("experiments", []),
            figure_experiments,
        )
        yield from _references(f"{place}.titles", entry.get("titles", []), figure_experiments)
        scheme_names = sorted(
            {
                scheme
                for experiment in figure_experiments
                for scheme in experiments[experiment]["schemes"]
            }
        )
        for part in ("schemes", "after", "also", "beneath", "added"):
            yield from _references(f"{place}.{part}", entry.get(part, []), scheme_names)
        if "minus" in entry:
            yield f"{place}.minus", entry["minus"], scheme_names
        for experiment in figure_experiments:
            points = experiments[experiment]["sweep"]["values"]
            yield from _references(f"{place}.points", entry.get("points", []), points)
    for name, entry in source["claims"].items():
        yield f"claims.{name}.figure", entry["figure"], [*figures, "none"]
        yield from _references(
            f"claims.{name}.rests_on", entry.get("rests_on", []), source["parameters"]
        )


def _references(place: str, names: Iterable[Any], members: Iterable[Any]) -> Iterator[Member]:
    return ((place, name, members) for name in names)


def _settings(source: Source) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the places that set parameters, and the values."""
    for section in ("ensembles", "schemes", "experiments", "alternatives"):
        for name, entry in source[section].items():
            yield f"{section}.{name}.set", entry.get("set", {})
    for name, entry in source["claims"].items():
        yield f"claims.{name}.unless", entry.get("unless", {})
    for name, entry in source["alternatives"].items():
        for experiment, values in entry.get("experiments", {}).items():
            yield f"alternatives.{name}.experiments.{experiment}", values
    for name, entry in source["experiments"].items():
        sweep = entry["sweep"]
        for value in sweep["values"]:
            yield f"experiments.{name}.sweep", {sweep["parameter"]: value}
