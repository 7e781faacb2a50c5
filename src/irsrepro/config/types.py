"""Types of configuration values: what is allowed, said once for checks, errors and editors.

A type is an annotation that pydantic checks strictly. The value stays as the file has it: a whole
number remains one where any number is allowed, so data files keep the parameters as written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

NAME = "[A-Za-z][A-Za-z0-9_]{0,39}"
RESERVED_NAMES = (
    "all", "benchmarks", "channels", "config", "default", "external", "figures", "index", "none",
    "rounding", "summary", "variants",
)  # fmt: skip


def key_error(key: str, expected: str) -> PydanticCustomError:
    """Return the error of a key in a mapping, for a validator of the whole mapping."""
    return PydanticCustomError("expected", "{expected}", {"expected": expected, "key": key})


class Section(BaseModel):
    """A mapping of the configuration: no other keys, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, content: Any) -> Any:
        """Say which keys there are; pydantic itself does not."""
        for key in content if isinstance(content, dict) else ():
            if key not in cls.model_fields:
                raise key_error(key, f"one of the keys {', '.join(cls.model_fields)}")
        return content


@dataclass(frozen=True)
class Expected:
    """What a value is expected to be, in words, and for parameters its unit.

    Attributes:
        text: what is allowed, as the object of "expected".
        unit: of a parameter; ``name`` for words.
        accepts: a test beyond the annotated type.
    """

    text: str
    unit: str = "name"
    accepts: Callable[[Any], bool] | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check against the annotated type, keep the value, and say what is allowed."""
        return self.around(handler(source))

    def around(self, schema: CoreSchema) -> CoreSchema:
        """Return a schema that checks with another one and keeps the value."""
        return core_schema.no_info_wrap_validator_function(self._validate, schema)

    def _validate(self, value: Any, handler: Callable[[Any], Any]) -> Any:
        try:
            handler(value)
        except ValidationError:
            accepted = False
        else:
            accepted = self.accepts is None or self.accepts(value)
        if not accepted:
            raise PydanticCustomError("expected", "{expected}", {"expected": self.text})
        return value


@dataclass(frozen=True)
class Quantity:
    """A finite number with a unit, within a range.

    Attributes:
        unit: of a parameter; ``1`` for plain numbers.
        above: the number is larger.
        at_least: the number is not smaller.
        below: the number is smaller.
        at_most: the number is not larger.
    """

    unit: str = "1"
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check type and range, keep the value, and say what is allowed."""
        schema: CoreSchema
        if source is int:
            low, high = (
                None if bound is None else int(bound) for bound in (self.at_least, self.at_most)
            )
            schema = core_schema.int_schema(strict=True, ge=low, le=high)
        else:
            schema = core_schema.float_schema(
                strict=True, allow_inf_nan=False,
                gt=self.above, ge=self.at_least, lt=self.below, le=self.at_most,
            )  # fmt: skip
        return Expected(self.text(source), self.unit).around(schema)

    def text(self, source: type) -> str:
        """Return what is allowed, for example ``a number above 0 and at most 300 (m)``."""
        bounds = {
            "above": self.above, "at least": self.at_least, "below": self.below,
            "at most": self.at_most,
        }  # fmt: skip
        ends = [f"{word} {end:.15g}" for word, end in bounds.items() if end is not None]
        text = f"{'a whole' if source is int else 'a finite'} number {' and '.join(ends)}".rstrip()
        return text if self.unit == "1" else f"{text} ({self.unit})"


def rising(pair: list[Any]) -> bool:
    """Whether the ends of an interval, None for an open one, are in order and not both open."""
    ends = [end for end in pair if end is not None]
    return bool(ends) and ends == sorted(ends)


Text = Annotated[str, Field(min_length=1, max_length=10_000)]
Name = Annotated[str, Field(pattern=f"^{NAME}$")]

Number = Annotated[float, Quantity()]
Positive = Annotated[float, Quantity(above=0, at_most=1e12)]
Tolerance = Annotated[float, Quantity(at_least=0, at_most=1)]
Share = Annotated[float, Quantity(above=0, below=1)]
Probability = Annotated[float, Quantity(at_least=0, at_most=1)]
Exponent = Annotated[float, Quantity(at_least=0, at_most=10)]
Count = Annotated[int, Quantity(at_least=1, at_most=10_000)]
Budget = Annotated[int, Quantity(at_least=1, at_most=10_000_000)]
Sample = Annotated[int, Quantity(at_least=2, at_most=10_000_000)]
CountOrHalf = Annotated[
    int | Literal["half"],
    Expected("half or a whole number from 0 to 10000", "1", lambda v: v == "half" or 0 <= v <= 1e4),
]

Length = Annotated[float, Quantity("m", above=0, at_most=1e5)]
Coordinate = Annotated[float, Quantity("m", at_least=-1e5, at_most=1e5)]
PointInPlane = Annotated[
    list[Coordinate], Field(min_length=2, max_length=2), Expected("[x, y] (m)", "m")
]
Point = Annotated[
    list[Coordinate], Field(min_length=3, max_length=3), Expected("[x, y, z] (m)", "m")
]
Interval = Annotated[
    list[Coordinate], Field(min_length=2, max_length=2), Expected("[low, high] (m)", "m", rising)
]
Wavelengths = Annotated[float, Quantity("wavelength", above=0, at_most=1000)]
Angle = Annotated[float, Quantity("degree", at_least=-360, at_most=360)]
Decibel = Annotated[float, Quantity("dB", at_least=-200, at_most=200)]
PowerLevel = Annotated[float, Quantity("dBm", at_least=-250, at_most=100)]

Realisations = Annotated[int, Quantity(at_least=1, at_most=1_000_000)]
Index = Annotated[int, Quantity(at_least=0, at_most=1_000_000)]
Year = Annotated[int, Quantity(at_least=1800, at_most=2200)]


def _not_reserved(name: str) -> str:
    if name in RESERVED_NAMES:
        expected = f"a name other than {', '.join(RESERVED_NAMES)}"
        raise PydanticCustomError("expected", "{expected}", {"expected": expected})
    return name


def distinct(values: list[Any]) -> bool:
    """Whether no value is there twice."""
    return len({repr(value) for value in values}) == len(values)


NewName = Annotated[Name, AfterValidator(_not_reserved)]
ClaimName = Annotated[str, Field(max_length=60, pattern=f"^{NAME}(-[A-Za-z0-9_]+)*$")]
Names = Annotated[
    list[Name], Field(min_length=1), Expected("a list of different names", accepts=distinct)
]
Points = Annotated[list[Number], Field(min_length=1), Expected("a list of points")]
Ends = Annotated[
    list[Number],
    Field(min_length=2, max_length=2),
    Expected("[low, high]", accepts=lambda ends: rising(ends) and ends[0] < ends[1]),
]
Joined = Annotated[str, Field(pattern="^[^@]+@[0-9.]+$")]
Values = Annotated[dict[Name, Any], Expected("a mapping of parameters to values")]
SomeValues = Annotated[
    dict[Name, Any], Field(min_length=1), Expected("parameters and their values")
]
