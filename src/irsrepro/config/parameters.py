"""Parameters of papers: each ``papers/KEY/parameters.py`` names them, with units and ranges."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidationError

from irsrepro.config.modules import LIBRARY, module_file
from irsrepro.config.problems import config_error, one_of, raise_config_error, raise_first
from irsrepro.config.types import Expected, Quantity, Section

WORDS = "name"  # the unit of what is no number


class PaperParameters(Section):
    """Base of the parameters of a paper: one field each, whose annotation has unit and range."""

    model_config = ConfigDict(frozen=False)

    @classmethod
    def unit(cls, name: str) -> str:
        """Return the unit of a parameter."""
        kinds = [
            item
            for item in cls.model_fields[name].metadata
            if isinstance(item, Expected | Quantity)
        ]
        return kinds[-1].unit if kinds else WORDS

    @classmethod
    def source(cls) -> str:
        """Return the file that names the parameters, as errors point to it."""
        return str(Path(inspect.getfile(cls)).relative_to(LIBRARY.parents[1]))

    @classmethod
    def check(cls, name: str, value: Any, file: str, key: str) -> None:
        """Check the value of one parameter.

        Args:
            name: of the parameter.
            value: as the file has it.
            file: that file, for errors.
            key: place of the value in it.

        Raises:
            ConfigurationError: there is no such parameter, or it cannot have the value.
        """
        if name not in cls.model_fields:
            names = one_of(cls.model_fields)
            raise_config_error(file, key, value, f"a parameter of {cls.source()}, {names}")
        try:
            cls.__pydantic_validator__.validate_assignment(cls.model_construct(), name, value)
        except ValidationError as error:
            raise_first(error, {name: value}, file, key, begin=1)

    @classmethod
    def misfits(cls, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Yield parameters whose values do not fit to those of others, and what is expected.

        Args:
            values: those of one experiment at one point.
        """
        return iter(())


def parameters_of(key: str) -> type[PaperParameters]:
    """Return the parameters of a paper, from its ``parameters`` module.

    Raises:
        ConfigurationError: the paper has no such module, or it names none.
    """
    name = f"irsrepro.papers.{key}.parameters"
    parameters = getattr(import_module(name), "Parameters", None) if module_file(name) else None
    if not (isinstance(parameters, type) and issubclass(parameters, PaperParameters)):
        raise config_error(f"src/{name.replace('.', '/')}.py: expected a class Parameters there")
    return parameters
