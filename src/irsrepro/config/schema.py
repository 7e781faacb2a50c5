"""JSON Schema checks that end in one line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NoReturn

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match

from irsrepro.errors import ConfigurationError


def load_schema(root: Path, name: str) -> dict[str, Any]:
    """Read a schema of ``workflow/schemas``.

    Raises:
        ConfigurationError: there is no such schema, or it is not a valid JSON Schema.
    """
    path = root / "workflow" / "schemas" / f"{name}.yaml"
    if not path.is_file():
        raise ConfigurationError(f"config/{name}.yaml: its schema {path.relative_to(root)} is lost")
    try:
        schema: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
    except (yaml.YAMLError, SchemaError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigurationError(
            f"{path.relative_to(root)}: not a JSON Schema: {reason}"
        ) from error
    return schema


def refuse(file: str, key: str, value: Any, allowed: str) -> NoReturn:
    """Raise the one line: file, key, value, what is allowed.

    Raises:
        ConfigurationError: always.
    """
    raise ConfigurationError(f"{file}: {key}: {value!r} is not allowed; {allowed}")


def validate(instance: Any, schema: dict[str, Any], file: str, place: str = "") -> None:
    """Check a value against a JSON Schema.

    Args:
        instance: what was read.
        schema: the JSON Schema.
        file: the file it came from, as the message names it.
        place: key under which ``instance`` stands in that file.

    Raises:
        ConfigurationError: one line for the most relevant error.
    """
    _refuse_non_finite(instance, file, place)
    error = best_match(Draft202012Validator(schema).iter_errors(instance))
    if error is None:
        return
    keys = [place] if place else []
    keys += [str(part) for part in error.absolute_path]
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(key for key in error.instance if key not in known)
        refuse(file, ".".join([*keys, unknown]), error.instance[unknown],
               f"unknown key, known are {', '.join(known)}")  # fmt: skip
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        raise ConfigurationError(f"{file}: {'.'.join([*keys, missing])}: missing")
    refuse(file, ".".join(keys) or "(top)", error.instance, _allowed(error))


def _refuse_non_finite(value: Any, file: str, place: str) -> None:
    """Refuse NaN and infinity, which JSON Schema takes for numbers within any bound."""
    if isinstance(value, dict):
        members = value.items()
    else:
        members = dict(enumerate(value)).items() if isinstance(value, list) else {}.items()
    for key, member in members:
        _refuse_non_finite(member, file, f"{place}.{key}" if place else str(key))
    if isinstance(value, float) and not math.isfinite(value):
        refuse(file, place, value, "a finite number is expected")


def _allowed(error: ValidationError) -> str:
    bound: Any = error.validator_value
    match error.validator:
        case "enum":
            return f"allowed are {', '.join(map(str, bound))}"
        case "const":
            return f"{bound} is"
        case "type":
            return f"type {bound} is expected"
        case "minimum":
            return f"at least {bound} is"
        case "exclusiveMinimum":
            return f"more than {bound} is"
        case "maximum":
            return f"at most {bound} is"
        case "pattern":
            return f"text matching {bound} is expected"
    return str(error.message)
