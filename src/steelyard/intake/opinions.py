"""What a user says of a skill, as a JSON object: feedback of one of four kinds, or a suggestion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.intake.items import LONGEST_KEY, LONGEST_NAME, text_field
from steelyard.intake.refused import Refused

FIELDS = frozenset(
    {
        "key", "skill", "kind", "rating", "comment", "example_input", "example_output", "expected_output", "title",
        "body", "author", "model",
    }
)  # fmt: skip
SUGGESTION = "suggestion"
# What only a suggestion has, and what it has not.
_OF_SUGGESTION = frozenset({"title", "body"})
_OF_FEEDBACK = FIELDS - _OF_SUGGESTION - {"key", "skill", "kind", "author"}
_KINDS = (*FeedbackType, SUGGESTION)
# Any fixed one: what a key becomes must be the same in every process.
_KEYS = UUID("5b6a1f0e-8a53-4d0e-9f0a-3d1c6f6f2a57")


@dataclass(frozen=True)
class Opinion:
    """What is said of the skill of that name: feedback, or a suggestion's (title, body). Two of one `id` are one."""

    id: UUID
    skill: str
    author: str | None
    said: Feedback | tuple[str, str]


def read_opinion(item: Mapping[Any, Any]) -> Opinion:
    """Read one. `key` tells repeats apart. Raises Refused."""
    given: dict[str, Any] = {str(key): value for key, value in item.items() if value is not None and value != ""}
    unknown = sorted(given.keys() - FIELDS)
    if unknown:
        raise Refused(unknown[0][:LONGEST_NAME], "There is no such field.")
    skill = text_field(given, "skill", LONGEST_NAME)
    said_id = uuid5(_KEYS, f"{text_field(given, 'key', LONGEST_KEY)}\n{skill}")
    author = text_field(given, "author", LONGEST_NAME) if "author" in given else None
    kind = given.get("kind")
    if kind not in _KINDS:
        raise Refused("kind", f"It is one of {', '.join(_KINDS)}.")
    odd = sorted(given.keys() & (_OF_FEEDBACK if kind == SUGGESTION else _OF_SUGGESTION))
    if odd and kind == SUGGESTION:
        raise Refused(odd[0], "A suggestion has none; its words are its title and body.")
    if odd:
        raise Refused(odd[0], "Only a suggestion has one.")
    if kind == SUGGESTION:
        return Opinion(said_id, skill, author, (_words(given, "title") or "", _words(given, "body") or ""))
    rating = given.get("rating")
    if rating is not None and (isinstance(rating, bool) or not isinstance(rating, int) or not 1 <= rating <= 10):
        raise Refused("rating", "It is no whole number from 1 to 10.")
    feedback = Feedback(
        FeedbackType(kind),
        rating,
        comment=_words(given, "comment"),
        example_input=_words(given, "example_input"),
        example_output=_words(given, "example_output"),
        expected_output=_words(given, "expected_output"),
        author=author,
        model_name=text_field(given, "model", LONGEST_NAME) if "model" in given else None,
    )
    return Opinion(said_id, skill, author, feedback)


def _words(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(name, "It is no text.")
    return value
