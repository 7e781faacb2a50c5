"""Hostile files, command lines and targets: one printable line, soon, and no code runs."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from irsrepro.build.targets import check_targets
from irsrepro.config.loading import load_paper, load_project
from irsrepro.config.strict_yaml import parse_yaml
from irsrepro.config.types import RESERVED_NAMES
from irsrepro.figures.published import check_published
from refusals import NO_NAMES, bare_checkout, check_all, loading, told


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the configuration only."""
    return bare_checkout(tmp_path_factory.mktemp("checkout"))


def bomb(levels: int, width: int, form: str) -> str:
    """Return YAML that a naive reader blows up: WIDTH ** LEVELS values."""
    lines = [f"a0: &a0 {form.format(', '.join(['x'] * width))}"]
    for level in range(1, levels):
        inner = ", ".join([f"*a{level - 1}"] * width)
        lines.append(f"a{level}: &a{level} {form.format(inner)}")
    return "\n".join(lines)


TEXTS: list[tuple[str, bytes, str]] = [
    ("twice", b"title: a\ntitle: b\n", "title: given twice"),
    ("twice inside", b"parameters: {snr: 1, snr: 2}\n", "parameters.snr: given twice"),
    ("not UTF-8", "title: é\n".encode("latin-1"), "expected UTF-8"),
    ("UTF-16", "title: x\n".encode("utf-16"), "expected UTF-8"),
    ("NUL", b"title: a\x00b\n", "cannot be read as YAML"),
    ("bell", b"title: \x07\n", "cannot be read as YAML"),
    ("recursive alias", b"title: &a [*a]\n", "expected the name of an earlier, whole value"),
    ("recursive mapping", b"title: &a {x: *a}\n", "expected the name of an earlier, whole value"),
    ("unknown alias", b"title: *a\n", "expected the name of an earlier, whole value"),
    ("deep list", b"title: " + b"[" * 100_000, "nested more than"),
    ("deep mapping", b"title: " + b"{a: " * 100_000, "nested more than"),
    ("deep blocks", b"".join(b" " * n + b"a:\n" for n in range(500)), "nested more than"),
    ("deep dashes", b"title:\n " + b"- " * 5000 + b"x\n", "nested more than"),
    ("two papers", b"title: a\n---\ntitle: b\n", "expected a single text"),
    ("tag", b"title: !!python/object/apply:os.system [touch X]\n", "expected a value without a tag"),
    ("binary", b"title: !!binary aGVsbG8=\n", "expected a value without a tag"),
    ("own tag", b"title: !x y\n", "expected a value without a tag"),
    ("set", b"title: !!set {a, b}\n", "expected a value without a tag"),
    ("number as key", b"figures: {1: x}\n", "figures: key: 1: expected text"),
    ("truth as key", b"true: x\n", "key: True: expected text"),
    ("list as key", b"? [a]\n: b\n", "expected text"),
    ("unclosed", b"title: [a\n", "cannot be read as YAML"),
    ("unclosed quote", b"title: 'a\n", "cannot be read as YAML"),
    ("tab", b"title:\n\tx\n", "cannot be read as YAML"),
    ("directive", b"%YAML 9.9\n---\ntitle: x\n", "cannot be read as YAML"),
    ("reserved", b"title: @x\n", "cannot be read as YAML"),
    ("merged text", b"<<: x\n", "<<: 'x': expected a mapping"),
    ("merged nonsense", b"<<: {zzz: x}\n", "zzz"),
    ("merged bomb", b"a: &a {" + b", ".join(b"k%d: 1" % n for n in range(500)) + b"}\n" + b"\n".join(b"m%d: {<<: *a}" % n for n in range(900)), "more than"),
    ("empty", b"", "expected a mapping"),
    ("comment", b"# nothing\n", "expected a mapping"),
    ("a list", b"- title\n", "expected a mapping"),
    ("a text", b"title\n", "expected a mapping"),
    ("a number", b"1\n", "expected a mapping"),
    ("large", b"title: " + b"x" * 1_000_001, "larger than"),
    ("many values", b"title: [" + b"1," * 200_000 + b"]", "more than"),
    ("many keys", b"".join(b"k%d: 1\n" % n for n in range(40_000)), "one of the keys"),
    ("bomb of lists", bomb(9, 9, "[{}]").encode(), "more than"),
    ("bomb of two", bomb(40, 2, "[{}]").encode(), "more than"),
    ("wide bomb", bomb(3, 1000, "[{}]").encode(), "more than"),
    ("bomb of mappings", "\n".join(
        [f"a{n}: &a{n} {{{', '.join(f'k{m}: *a{n - 1}' for m in range(9))}}}" if n else "a0: &a0 x"
         for n in range(9)]).encode(), "more than"),
    ("bomb of text", b"a: &a " + b"x" * 900_000 + b"\nb: [" + b"*a, " * 9000 + b"]", "expected"),
]  # fmt: skip


def test_hostile_texts_are_refused_soon(root: Path) -> None:
    for name, text, part in TEXTS:
        line = told(loading(root, "he2020", text))
        assert line is not None and part in line, f"{name}: {line}"


def test_yaml_means_what_it_looks_like() -> None:
    values = {"010": "010", "1:30": "1:30", "on": "on", "no": "no", "1e-4": 1e-4, "1_000": "1_000",
              "0x10": "0x10", "2020-11-22": "2020-11-22", "-0": 0, ".5": 0.5, "1.": 1.0, "true": True,
              "'1'": "1", "9" * 40: float("9" * 40), "!": ""}  # fmt: skip
    for text, value in values.items():
        if text != "!":
            assert parse_yaml(f"x: {text}", "F") == {"x": value}, text


def test_merged_keys_are_overridden_by_those_beside_them() -> None:
    merged = parse_yaml("a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a, z: 4}", "F")["b"]
    assert list(merged.items()) == [("x", 1), ("y", 3), ("z", 4)]


def test_what_is_no_file_is_not_waited_for(root: Path) -> None:
    path = root / "config/he2020.yaml"
    content = path.read_bytes()
    places: dict[str, Callable[[], object]] = {
        "fifo": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "device": lambda: path.symlink_to("/dev/zero"),
        "dangling": lambda: path.symlink_to("/nowhere"),
        "loop": lambda: path.symlink_to(path),
    }
    for name, make in places.items():
        path.unlink()
        make()
        line = told(lambda: load_paper(root, "he2020"))
        assert line is not None and line.startswith("config/he2020.yaml: "), name
        path.rmdir() if path.is_dir() else path.unlink()
        path.write_bytes(content)
    folder = root / "published/he2020"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "fig04.csv")
    line = told(lambda: check_published(load_project(root, {})))
    assert line == "published/he2020/fig04.csv: not a regular file"
    (folder / "fig04.csv").unlink()


COMMANDS: list[dict[str, Any]] = [
    *({"realisations": value} for value in
      ("1000000000", "1e9", "1e308", "-1", "0", "1.5", "010", "1:30", "", "many", "[1]", "{a: 1}", ".inf",
       ".nan", "true", "9" * 5000, "null")),
    *({"chunk": value} for value in ("0", "-1", "1e9", "x", "1.5", "[]", "1000000000")),
    *({"seed": value} for value in ("-1", "x", "1.5", "1e3", "99999999999999999999999")),
    *({"fidelity": value} for value in ("full", "1", "[paper]", "", "Paper", "pap\ner")),
    *({"engine": value} for value in ("slow", "true", "{}", "../x")),
    *({"rounding_sample": value} for value in ("1", "{paper: 1}", "{paper: -1, preview: 0}", "[]")),
    *({"variant": value, "he2020": "{elements: 8}"} for value in
      (*(name for name in NO_NAMES if name != "a\n"), *RESERVED_NAMES, "ring", "1", "true", "[x]")),
    *({"variant": "big", "he2020": value} for value in
      ("{elements: -8}", "{elements: 1e9}", "{element: 8}", "8", "[elements]", "{elements: 8", "{elements: }",
       "{irs_positions: [[0, 0]]}", "{irs_region: {x: [3, 1], mirrored_y: [1, 2]}}", "{drop: square}",
       "{snr: .nan}", "{snr: 1e308}", "{snr: 1, snr: 2}", "!!python/name:os.system", "*a", "{a: &a [*a]}",
       "[" * 50_000, bomb(9, 9, "[{}]"))),
    {"he2020": "{elements: 8}"}, {"variant": "big"}, {"variant": "big", "nobody2020": "{x: 1}"},
    {"realisation": "3"}, {"": "1"}, {"a b": "1"}, {"papers": "x"}, {"root": "/"},
]  # fmt: skip


def test_bad_command_lines(root: Path) -> None:
    check_all(((str(each)[:80], partial(load_project, root, each)) for each in COMMANDS), 100)


TARGETS = [
    *(f"results/{rest}" for rest in (
        "x.nc", "paper/he2020/x.nc", "paper/nobody/default/fast/claims.json",
        "paper/he2020/moon/fast/claims.json", "preview/he2020/default/fast/claims.json",
        "paper/he2020/default/slow/claims.json", "paper/he2020/default/fast/snr/00000-00098.nc",
        "paper/he2020/default/fast/moon/00000-00099.nc", "paper/he2020/default/channels/moon/00000-00099.nc",
        "paper/he2020/default/fast/figures/fig99.nc", "paper/he2020/default/fast/snr/joint/00000-00099.nc",
         "paper/he2020/default/channels/fixed/00100-00199.nc", "all", "paper")),
    *(f"figures/{rest}" for rest in (
        "x", "he2020", "he2020/fig99.pdf", "he2020/fig04", "he2020/fig04.jpg", "he2020/x/fig04.pdf",
        "nobody/fig04.pdf", "variants", "variants/moon/he2020/fig04.pdf", "variants/ring/all",
        "variants/ring/zheng2021/fig04.pdf", "variants/ring/zheng2021/all", "variants/default/he2020/fig04.pdf",
        "variants/ring/he2020", "variants/ring", "he2020/fig04.pdf/x", "../figures/x", "a b")),
    *(f"reports/{rest}" for rest in ("x.html", "he2020.pdf", "he2020", "he2020/x.html", "all")),
    *(f"scorecard/{rest}" for rest in ("x", "scorecard", "scorecard.pdf", "all/x", "alternatives.nc")),
]  # fmt: skip


def test_targets_that_nothing_makes(root: Path) -> None:
    project = load_project(root, {})
    check_all(
        ((each, partial(check_targets, project, [each])) for each in TARGETS),
        35,
        "expected ",
    )
