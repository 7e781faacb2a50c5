"""User-facing errors of the configuration, reported in one line: file, key, value, expectation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from irsrepro.errors import ConfigurationError

LONGEST_VALUE = 80
ABSENT = object()


def raise_config_error(file: str, key: str, value: Any, expected: str) -> NoReturn:
    """Report a value that is not allowed.

    Args:
        file: file of the configuration, or the option of the command line.
        key: where the value is in it, dotted.
        value: what was found.
        expected: what is allowed, as the object of "expected".

    Raises:
        ConfigurationError: always.
    """
    place = _shorten(key, 2 * LONGEST_VALUE)
    raise config_error(f"{file}: {place}: {_shorten(repr(value))}: expected {expected}")


def config_error(text: str) -> ConfigurationError:
    """Return an error whose message is one printable line."""
    shown = (char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return ConfigurationError("".join(shown))


def raise_first(
    error: ValidationError, content: Any, file: str, key: str = "", *, begin: int = 0
) -> NoReturn:
    """Report the most telling error that a model found.

    Args:
        error: what pydantic raised.
        content: what was validated.
        file: where that came from.
        key: its place in the file.
        begin: how many parts of the error's location ``key`` covers already.

    Raises:
        ConfigurationError: always.
    """
    details = error.errors(include_url=False)
    # A misspelt key is both unknown and missing: the first says more.
    first = next((detail for detail in details if detail["type"] != "missing"), details[0])
    context, value = first.get("ctx", {}), first["input"]
    keys = _keys(content, first["loc"])
    if first["type"] == "missing":
        keys.append(first["loc"][-1])
    elif within := context.get("key") or context.get("discriminator", "").strip("'"):
        keys.append(within)
        value = value.get(within, ABSENT) if isinstance(value, dict) else value
    place = ".".join(filter(None, map(str, [key, *keys[begin:]]))) or "(top)"
    if first["type"] in ("missing", "union_tag_not_found"):
        raise config_error(f"{file}: {place}: missing")
    if value is ABSENT:
        raise config_error(f"{file}: {place}: missing; expected {_expectation(first)}")
    raise_config_error(file, place, value, _expectation(first))


def one_of(names: Any) -> str:
    """Return the names that are allowed, as the object of "expected"."""
    text = ", ".join(map(str, names))
    return f"one of {text}" if text else "nothing"


def _keys(content: Any, location: Sequence[int | str]) -> list[int | str]:
    """Return the part of an error's location that is there: tags of unions are no keys."""
    keys = []
    for part in location:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            continue
        keys.append(part)
    return keys


def _expectation(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    match details["type"]:
        case "expected":
            return str(context["expected"])
        case "literal_error" | "union_tag_invalid":
            options = context.get("expected") or context["expected_tags"]
            return one_of(re.findall("'(.*?)'", options) or [options])
        case "string_type" | "string_too_short":
            return "text"
        case "string_pattern_mismatch":
            return "a name, at most 40 letters, digits and _ after a letter"
        case "bool_type":
            return "true or false"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "a mapping of keys to values"
        case "list_type":
            return "a list"
    return details["msg"].removeprefix("Input should be ").lower()


def _shorten(text: str, limit: int = LONGEST_VALUE) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
