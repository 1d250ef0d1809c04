"""What users say of a skill in use: feedback of four types, and suggestions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

POSITIVE_FROM = 7


class FeedbackType(StrEnum):
    THUMB_UP = "thumb_up"
    THUMB_DOWN = "thumb_down"
    RATING = "rating"
    TRAINING_EXAMPLE = "training_example"


class FeedbackStatus(StrEnum):
    NEW = "new"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class SuggestionStatus(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"


@dataclass(frozen=True)
class Feedback:
    """One user's feedback. A rating needs a `quality_score` of 1-10, a training example its `example_input`."""

    feedback_type: FeedbackType
    quality_score: int | None = None
    comment: str | None = None
    example_input: str | None = None
    example_output: str | None = None
    expected_output: str | None = None
    author: str | None = None
    model_name: str | None = None
    skill_version_id: UUID | None = None

    @property
    def positive(self) -> bool | None:
        """Thumb up, or a rating of 7 or more; None for what is neither praise nor blame."""
        return is_positive(self.feedback_type, self.quality_score)


def is_positive(feedback_type: str, quality_score: int | None) -> bool | None:
    """Whether feedback of that type and score counts as positive; None where it counts neither way."""
    match feedback_type:
        case FeedbackType.THUMB_UP:
            return True
        case FeedbackType.THUMB_DOWN:
            return False
        case FeedbackType.RATING if quality_score is not None:
            return quality_score >= POSITIVE_FROM
        case _:
            return None
