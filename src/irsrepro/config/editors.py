"""JSON Schemas of configuration files, with which editors complete and check what one types."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from irsrepro.config.models import PaperFile, Settings
from irsrepro.config.parameters import PaperParameters, parameters_of
from irsrepro.config.types import Section

FOLDER = "workflow/schemas"
DIALECT = {"$schema": "http://json-schema.org/draft-07/schema#"}
SETTERS = ("ensembles", "schemes", "experiments", "alternatives")  # sections with ``set``


class _WithoutNull(GenerateJsonSchema):
    """What may be left out may not be null."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return the schema of a key with a default, without null where that is the default."""
        inner = schema["schema"]
        if inner["type"] == "nullable" and schema.get("default", 0) is None:
            return self.generate_inner(inner["schema"])
        return super().default_schema(schema)


def header(key: str) -> str:
    """Return the first line of a configuration file, by which editors find its schema."""
    return f"# yaml-language-server: $schema=../{FOLDER}/{key}.json"


def schemas(keys: Iterable[str]) -> dict[str, str]:
    """Return the schema files by their paths in the checkout.

    Args:
        keys: papers of the checkout.
    """
    schema_by_name = {
        "config": _of(Settings),
        "paper": _of(PaperFile),
        **{key: _of_paper(parameters_of(key)) for key in keys},
    }
    return {f"{FOLDER}/{name}.json": _as_text(schema) for name, schema in schema_by_name.items()}


def _of(model: type[Section]) -> dict[str, Any]:
    return DIALECT | model.model_json_schema(schema_generator=_WithoutNull)


def _of_paper(parameters: type[PaperParameters]) -> dict[str, Any]:
    """Return what a paper adds: the names, units and ranges of its parameters."""
    schema = _of(parameters)
    kinds = schema.pop("properties")
    entries = {
        name: {
            "properties": {
                "value": kind,
                "unit": {"const": parameters.unit(name)},
                "plausible": {
                    "properties": {"values": {"items": kind}, "between": {"items": kind}}
                },
            }
        }
        for name, kind in kinds.items()
    }
    values = {"additionalProperties": False, "properties": kinds}
    setting = {"additionalProperties": {"properties": {"set": {"$ref": "#/$defs/values"}}}}
    return {
        **DIALECT,
        "allOf": [{"$ref": "paper.json"}],
        "properties": {
            "parameters": {"required": schema["required"], "properties": entries},
            **dict.fromkeys(SETTERS, setting),
        },
        "$defs": schema.get("$defs", {}) | {"values": values},
    }


def _as_text(schema: Any, depth: int = 0) -> str:
    """Return JSON with a line for each member of what is not deep."""
    if not isinstance(schema, dict) or depth > 3 or len(json.dumps(schema)) < 90:
        return json.dumps(schema, ensure_ascii=False)
    space = " " * depth
    members = (f"{space} {json.dumps(key)}: {_as_text(schema[key], depth + 1)}" for key in schema)
    return "{\n" + ",\n".join(members) + f"\n{space}}}" + ("\n" if depth == 0 else "")
