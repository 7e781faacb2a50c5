"""What the batteries of bad input share: every piece ends in one printable line, soon."""

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from conftest import ROOT
from irsrepro.config.loading import load_paper
from irsrepro.config.strict_yaml import read_yaml
from irsrepro.errors import ConfigurationError

KEYS = ("he2020", "noh2022", "yu2020", "zhang2022", "zheng2021")
SOURCES = {key: read_yaml(ROOT, f"config/{key}.yaml") for key in KEYS}
SECONDS = 2.0
Case = tuple[str, Callable[[], object]]


NO_NAMES = ["a/b", "../../../../OUTSIDE/x", "/etc", "a b", "-n", "", "x" * 300, "<b>", "{paper}",
            "; touch X", "é", "a\nb", "a\n", "1a", "_a", "a.b", "x(", "*", "$HOME",
            "a\u202eb", "a@1", "a:b", "~", "..", "a'b", 'a"b', "\\", "%", "#"]  # fmt: skip


def bare_checkout(root: Path, *papers: str) -> Path:
    """Make a checkout with the configuration only, of all or some papers."""
    (root / "config").mkdir()
    (root / "notebooks").mkdir()
    for key in (*(papers or KEYS), "config"):
        (root / f"config/{key}.yaml").write_bytes((ROOT / f"config/{key}.yaml").read_bytes())
    for key in papers or KEYS:
        (root / f"notebooks/{key}.ipynb").touch()
    return root


def told(action: Callable[[], object]) -> str | None:
    """Return the line that an action ends in, None if it accepts its input."""
    begin = time.process_time()
    try:
        action()
    except ConfigurationError as error:
        line = str(error)
        assert line.isprintable(), repr(line)
        assert len(line) < 2000, line
        assert time.process_time() - begin < SECONDS, line
        return line
    return None


def check_all(cases: Iterable[Case], fewest: int, *parts: str) -> None:
    """Insist that every case is refused, in a line that has certain parts."""
    count, wrong = 0, []
    for name, action in cases:
        count += 1
        line = told(action)
        if line is None or not all(part in line for part in parts):
            wrong.append(f"{name}: {line}")
    assert not wrong, "\n".join(wrong[:20])
    assert count >= fewest, count


def loading(root: Path, key: str, content: Any) -> Callable[[], object]:
    """Load a paper whose configuration is this: bytes, or a value."""

    def load() -> object:
        text = content if isinstance(content, bytes) else as_yaml(content).encode()
        path = root / f"config/{key}.yaml"
        path.unlink()
        path.write_bytes(text)
        try:
            return load_paper(root, key)
        finally:
            path.write_bytes((ROOT / f"config/{key}.yaml").read_bytes())

    return load


def as_yaml(content: Any) -> str:
    """Return a value as YAML: JSON is YAML, and quick to write and to read."""
    text = json.dumps(content, ensure_ascii=False)
    return text.replace("NaN", ".nan").replace("-Infinity", "-.inf").replace("Infinity", ".inf")
