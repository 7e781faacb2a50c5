"""Bad configuration by the hundred: every piece ends in one printable line, soon.

What is generated is derived from the configuration of the papers and from the
models, so it grows with them; hypothesis adds what nobody thought of.
"""

from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irsrepro.config.checks import resolve
from irsrepro.config.loading import load_paper, load_project
from irsrepro.config.parameters import parameters_of
from irsrepro.config.strict_yaml import parse_yaml
from irsrepro.config.types import RESERVED_NAMES
from refusals import KEYS, NO_NAMES, SOURCES, Case, bare_checkout, check_all, loading, told

Path_ = tuple[str | int, ...]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the configuration only."""
    return bare_checkout(tmp_path_factory.mktemp("checkout"))


def places(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Yield every place of a value, and what is there."""
    yield path, value
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, member in inner:
        yield from places(member, (*path, key))


def changed(source: Any, path: Path_, value: Any) -> Any:
    """Return a copy in which a place has another value."""
    if not path:
        return value
    copy = dict(source) if isinstance(source, dict) else list(source)
    copy[path[0]] = changed(source[path[0]], path[1:], value)  # type: ignore[index]
    return copy


def renamed(source: dict[str, Any], section: str, new: str) -> dict[str, Any]:
    """Return a copy in which the first member of a section has another name."""
    first, *others = source[section]
    members = {new: source[section][first]} | {name: source[section][name] for name in others}
    return source | {section: members}


def test_a_value_of_another_type_is_refused_wherever_it_stands(root: Path) -> None:
    other: dict[type, Any] = {
        dict: "text",
        list: {"zzz": 1},
        str: [1],
        int: "x",
        float: "x",
        bool: "yes",
    }
    source = SOURCES["he2020"]
    check_all(
        (
            (str(path), loading(root, "he2020", changed(source, path, other[type(value)])))
            for path, value in places(source)
            if value is not None
        ),
        450,
        "config/he2020.yaml: ",
    )


def test_a_key_that_nobody_knows_is_refused_wherever_it_stands(root: Path) -> None:
    source = SOURCES["he2020"]
    check_all(
        (
            (str(path), loading(root, "he2020", changed(source, path, value | {"zzz": 1})))
            for path, value in places(source)
            if isinstance(value, dict)
        ),
        90,
        "zzz",
    )


def test_a_key_that_is_missing_or_empty_is_named(root: Path) -> None:
    source = SOURCES["he2020"]
    for key in source:
        less = {name: value for name, value in source.items() if name != key}
        line = told(loading(root, "he2020", less))
        assert line is not None and key in line
        line = told(loading(root, "he2020", source | {key: None}))
        assert line == f"config/he2020.yaml: {key}: expected a value, found none"


WRONG_NUMBERS = ["ten", "010", "1:30", "0x10", "1_000", True, [1], {}, 1e308, -1e308, float("nan"),
                 float("inf"), 10**30]  # fmt: skip


def wrong_values(key: str, name: str) -> list[Any]:
    """Return values that a parameter cannot have, told from its annotation."""
    value = SOURCES[key]["parameters"][name]["value"]
    annotation = parameters_of(key).model_fields[name].annotation
    if isinstance(value, bool):
        return [0, 1, "yes", "on", [True]]
    if annotation in (int, float):
        return [*WRONG_NUMBERS, *([1.5, 1e9] if annotation is int else [])]
    if isinstance(value, str):
        return ["nobody's choice", value.upper() + "!", -0.5, ["x"], True]
    if isinstance(value, list):
        return [value[:-1] * (len(value) < 4), [*value, 0], ["x"] * len(value), 3, "x"]
    return [[], {"x": [1, 2]}, "x", 1]


def test_no_parameter_takes_a_value_out_of_its_range(root: Path) -> None:
    def cases() -> Iterator[Case]:
        for key, source in SOURCES.items():
            parameters = parameters_of(key)
            for name in source["parameters"]:
                for value in wrong_values(key, name):
                    place = f"parameters.{name}.value"
                    yield (
                        f"{key} {name} {value!r}",
                        partial(parameters.check, name, value, "F", place),
                    )

    check_all(cases(), 1500, "F: parameters.", ".value: ", ": expected ")


def test_a_value_out_of_range_is_refused_wherever_it_is_set(root: Path) -> None:
    source = SOURCES["he2020"]
    wrong = {"drop": "square", "snr": 1e9, "elements": "010", "node_radius": 0, "nobody": 1,
             "irs_region": {"x": [300, 100], "mirrored_y": [0, 1]}}  # fmt: skip

    def cases() -> Iterator[Case]:
        for name, value in wrong.items():
            for section in ("ensembles", "schemes", "experiments", "alternatives"):
                for member in source[section]:
                    path = (section, member)
                    entry = source[section][member] | {"set": {name: value}}
                    yield f"{path} {name}", loading(root, "he2020", changed(source, path, entry))
            entry = {"about": "x", "experiments": {"snr": {name: value}}}
            content = changed(source, ("alternatives", "ring"), entry)
            yield f"adjusted {name}", loading(root, "he2020", content)
            change = {name: value}
            yield f"what-if {name}", partial(load_paper, root, "he2020", "big", change)

    check_all(cases(), 100, ": expected ")


def test_no_name_leaves_its_folder_or_its_line(root: Path) -> None:
    source = SOURCES["he2020"]
    sections = (
        "ensembles",
        "schemes",
        "experiments",
        "figures",
        "alternatives",
        "parameters",
        "claims",
    )
    check_all(
        (
            (f"{section} {name!r}", loading(root, "he2020", renamed(source, section, name)))
            for section in sections
            for name in NO_NAMES
        ),
        200,
        "config/he2020.yaml: ",
    )
    check_all(
        (
            (f"{section} {name!r}", loading(root, "he2020", renamed(source, section, name)))
            for section in sections[:5]
            for name in RESERVED_NAMES
        ),
        50,
        ": expected a name other than ",
    )
    paths = [("schemes", "random", "module"), ("experiments", "snr", "metric"),
             ("experiments", "snr", "ensemble"), ("experiments", "snr", "schemes", 0),
             ("experiments", "snr", "sweep", "parameter"), ("figures", "fig04", "experiments", 0),
             ("claims", "he-fig3", "figure"), ("claims", "he-fig3", "checks", 0, "experiment"),
             ("claims", "he-fig3", "checks", 0, "scheme")]  # fmt: skip
    check_all(
        (
            (f"{path} {name!r}", loading(root, "he2020", changed(source, path, name)))
            for path in paths
            for name in (*NO_NAMES, "nobody", "algorithms", "system")
        ),
        200,
        ": expected ",
    )


def test_a_paper_has_a_name_too(root: Path) -> None:
    for name in ("a|b", "x(", "default", "all", "a b", "-n", "é", "x" * 60):
        path = root / f"config/{name}.yaml"
        path.write_text("title: x\n")
        line = told(lambda: load_project(root, {}))
        path.unlink()
        assert line is not None and "expected a name" in line, name


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
QUICK = settings(
    max_examples=150, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
PLACES = [(key, path) for key in KEYS for path, _ in places(SOURCES[key])]


@QUICK
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_any_value_anywhere_is_accepted_or_refused(
    root: Path, place: tuple[str, Path_], value: Any
) -> None:
    key, path = place
    told(loading(root, key, changed(SOURCES[key], path, value)))


@QUICK
@given(first=st.sampled_from(PLACES), second=st.sampled_from(PLACES))
def test_any_value_in_the_place_of_another(root: Path, first: Any, second: Any) -> None:
    value: Any = SOURCES[second[0]]
    for key in second[1]:
        value = value[key]
    told(loading(root, first[0], changed(SOURCES[first[0]], first[1], deepcopy(value))))


@QUICK
@given(st.text(alphabet="ab:-[]{}&*!|>'\"%@#?, \n\t\x00\x85é010.e~"))
def test_any_text_is_yaml_or_refused(text: str) -> None:
    told(lambda: parse_yaml(text, "F"))


@QUICK
@given(data=st.data())
def test_any_check_is_resolved_or_refused(data: st.DataObject) -> None:
    plans = {"snr": {"schemes": ["joint", "power"], "values": [0, 5, 10], "trace": True}}
    checks = [
        check
        for source in SOURCES.values()
        for claim in source["claims"].values()
        for check in claim["checks"]
    ]
    check = dict(data.draw(st.sampled_from(checks)))
    check |= {"experiment": "snr"} | {each: "joint" for each in ("scheme", "over") if each in check}
    key = data.draw(st.sampled_from([*check, "zzz"]))
    told(lambda: resolve("x", check | {key: data.draw(VALUES)}, plans))


def test_the_models_accept_what_the_papers_say(root: Path) -> None:
    for key in KEYS:
        assert told(loading(root, key, SOURCES[key])) is None
