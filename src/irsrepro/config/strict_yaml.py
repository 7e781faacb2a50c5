"""YAML for configuration: what is ambiguous, hostile or a slip of the hand ends in one line.

Numbers, truth values and null are those of YAML 1.2: ``010`` and ``1:30`` are text, ``1e-4`` is a
number, ``on`` and ``no`` are text. Refused are keys given twice, keys that are no text or have no
value, tags, and texts too large, too deep or too often repeated by aliases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from irsrepro.config.problems import config_error, raise_config_error

LARGEST_FILE = 1_000_000
MOST_VALUES = 100_000
DEEPEST = 24
MERGE = "<<"  # keys of another mapping, which those beside it override

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,30})")
_FLOAT = re.compile(
    r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?|[-+]?\.(?:inf|nan)"
)
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(root: Path, name: str) -> dict[str, Any]:
    """Read a configuration file, which holds a mapping.

    Args:
        root: folder of the checkout.
        name: path of the file relative to it.

    Raises:
        ConfigurationError: one line for the first thing that is wrong.
    """
    content = parse_yaml(read_text(root / name, name), name)
    if not isinstance(content, dict):
        raise_config_error(name, "(top)", content, "a mapping of keys to values")
    return content


def read_text(path: Path, name: str) -> str:
    """Return a text that a person wrote.

    Args:
        path: of the file.
        name: of the file, for errors.

    Raises:
        ConfigurationError: it is no regular file, too large, not UTF-8, or cannot be read.
    """
    try:
        if not path.is_file():
            missing = "not a regular file" if path.exists() else "no such file"
            raise config_error(f"{name}: {missing}")
        if path.stat().st_size > LARGEST_FILE:
            raise config_error(f"{name}: larger than {LARGEST_FILE} bytes")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise config_error(f"{name}: byte {error.start} is {byte:#x}: expected UTF-8") from None
    except OSError as error:
        raise config_error(f"{name}: cannot be read: {error.strerror}") from error


def parse_yaml(text: str, file: str, key: str = "") -> Any:
    """Return the value of a YAML text.

    Args:
        text: YAML.
        file: where it came from, for errors.
        key: its place there.

    Raises:
        ConfigurationError: one line for the first thing that is wrong.
    """
    try:
        events = yaml.parse(text, Loader=_LOADER)
        return _Builder(file, events).document(key)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        place = ": ".join(filter(None, [file, key]))
        raise config_error(f"{place}: {line}cannot be read as YAML: {reason}") from None


@dataclass
class _Builder:
    """Values from the events of a parser, whose nesting is thus known before it is followed.

    Attributes:
        file: for errors.
        events: of the parser.
        values: number of values so far, those behind aliases counted every time.
        anchors: value and number of values of what aliases may repeat.
    """

    file: str
    events: Iterator[Any]
    values: int = 0
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)

    def document(self, key: str) -> Any:
        next(self.events)  # the stream
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return None
        value = self.value(next(self.events), key, 0)
        next(self.events)  # the end of the text
        if not isinstance(next(self.events), yaml.StreamEndEvent):
            raise config_error(f"{self.file}: expected a single text, without a line ---")
        return value

    def value(self, event: Any, key: str, depth: int) -> Any:
        before = self.values
        self.values += 1
        if isinstance(event, yaml.AliasEvent):
            return self.alias(str(event.anchor), key)
        if event.tag not in (None, "!"):
            raise_config_error(self.file, key or "(top)", event.tag, "a value without a tag")
        if depth > DEEPEST:
            raise config_error(f"{self.file}: {key[:80]}: nested more than {DEEPEST} deep")
        if isinstance(event, yaml.ScalarEvent):
            result = event.value if event.style else _scalar(event.value)
        elif isinstance(event, yaml.SequenceStartEvent):
            result = self.sequence(key, depth)
        else:
            result = self.mapping(key, depth)
        if self.values > MOST_VALUES:
            raise config_error(f"{self.file}: {key}: more than {MOST_VALUES} values")
        if event.anchor is not None:
            self.anchors[event.anchor] = result, self.values - before
        return result

    def alias(self, anchor: str, key: str) -> Any:
        if anchor not in self.anchors:
            raise_config_error(self.file, key, f"*{anchor}", "the name of an earlier, whole value")
        value, count = self.anchors[anchor]
        self.values += count
        if self.values > MOST_VALUES:
            raise config_error(f"{self.file}: {key}: more than {MOST_VALUES} values")
        return value

    def sequence(self, key: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.value(event, f"{key}.{len(items)}", depth + 1))
        return items

    def mapping(self, key: str, depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        inherited: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            name = self.value(event, key, depth + 1)
            place = f"{key}.{name}" if key else str(name)
            if not isinstance(name, str):
                raise_config_error(self.file, f"{key}: key", name, "text, perhaps in quotes")
            if name in entries:
                raise config_error(f"{self.file}: {place}: given twice")
            entries[name] = self.value(next(self.events), place, depth + 1)
            if entries[name] is None:
                raise config_error(f"{self.file}: {place}: expected a value, found none")
            if name == MERGE:
                inherited = entries.pop(MERGE)
                if not isinstance(inherited, dict):
                    raise_config_error(self.file, place, inherited, "a mapping")
        return inherited | entries


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return (
        float(text.replace(".inf", "inf").replace(".nan", "nan"))
        if _FLOAT.fullmatch(text)
        else text
    )
