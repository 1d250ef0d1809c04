"""The fields of the API's documents, each with its unit and an example, and the two kinds of documents."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from steelyard.domain.models import MAX_REFERENCE

T = TypeVar("T")


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Id = Annotated[UUID, Field(examples=["6f1f6c0e-6d0a-4f43-9d59-0a4e1d6c2b11"])]
Moment = Annotated[
    datetime, AfterValidator(_in_utc), Field(description="ISO 8601, UTC.", examples=["2026-03-01T09:30:00Z"])
]
Day = Annotated[date, Field(description="A UTC day.", examples=["2026-03-01"])]
Microcents = Annotated[
    int, Field(description="Microcents: 1 US dollar is 100,000,000.", ge=0, le=2**63 - 1, examples=[1_250_000])
]
SignedMicrocents = Annotated[
    int, Field(description="Microcents: 1 US dollar is 100,000,000; negative is less.", examples=[-40_000])
]
MeanMicrocents = Annotated[
    float, Field(description="Microcents, an average: 1 US dollar is 100,000,000.", examples=[1_250_000.5])
]
Quality = Annotated[float, Field(description="Quality in points, 0 to 100.", ge=0, le=100, examples=[86.5])]
Points = Annotated[float, Field(description="Points of quality, on the scale of 0 to 100.", examples=[4.5])]
Percent = Annotated[float, Field(description="Percent.", examples=[92.0])]
Share = Annotated[float, Field(description="A share, 0 to 1.", examples=[0.92])]
Milliseconds = Annotated[float, Field(description="Milliseconds.", examples=[812.0])]
Seconds = Annotated[float, Field(description="Seconds.", examples=[42.0])]
Tokens = Annotated[int, Field(description="Tokens.", ge=0, examples=[1_204])]
MeanTokens = Annotated[float, Field(description="Tokens, an average.", examples=[1_204.5])]
Count = Annotated[int, Field(ge=0, examples=[20])]
Bytes = Annotated[int, Field(description="Bytes.", ge=0, examples=[2_048])]
_MODEL = "A model as provider:name, with settings where wanted (`provider:name?temperature=1`)."
# Of what is kept, by older versions in any length.
Model = Annotated[str, Field(description=_MODEL, examples=["openai:gpt-5-mini"])]
GivenModel = Annotated[str, Field(description=_MODEL, max_length=MAX_REFERENCE, examples=["openai:gpt-5-mini"])]
Arm = Annotated[str, Field(description="with_skill or without_skill.", examples=["with_skill"])]
SkillName = Annotated[str, Field(examples=["invoice-extractor"])]
Waits = Annotated[
    str | None,
    Field(
        description="What it waits for while no worker has it in hand, and what to do.",
        examples=["It waits for a place: a worker is there, and 1 other run is under way. Runs share its places."],
    ),
]
Left = Annotated[bool, Field(description="No worker that is there can do it as it was asked for.")]
Digest = Annotated[str, Field(description="sha256, hexadecimal.", examples=["3f2c9a1b" + "0" * 56])]


class Given(BaseModel):
    """A body that is sent: of exactly these fields, each of exactly its type."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Shown(BaseModel):
    """A document that is answered, made of what the services return by the names of its fields."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, found: object) -> Self:
        """The document of a service's value, whose attributes have the same names."""
        return cls.model_validate(found)


class Page(Shown, Generic[T]):
    """Some of a list, and where it goes on."""

    items: list[T]
    next: Annotated[
        str | None, Field(description="The `after` of the next page; null on the last.", examples=["WyJhIiwiYiJd"])
    ]

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"{params[0].__name__}Page"
