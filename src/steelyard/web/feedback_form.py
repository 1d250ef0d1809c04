"""The form of feedback on a skill: one form, from which the type of the feedback follows."""

from __future__ import annotations

from collections.abc import Mapping

from steelyard.domain.errors import InputError
from steelyard.domain.feedback import Feedback, FeedbackType

FEEDBACK_FIELDS = ("kind", "rating", "comment", "example_input", "expected_output", "author")


def read_feedback(typed: Mapping[str, str]) -> Feedback:
    """What was typed as feedback; a rating or an example only counts where its kind was chosen. Raises InputError."""
    comment, author = typed["comment"].strip() or None, typed["author"].strip() or None
    match typed["kind"]:
        case "thumb_up" | "thumb_down":
            return Feedback(FeedbackType(typed["kind"]), comment=comment, author=author)
        case "rating":
            rating = typed["rating"].strip()
            if not (rating.isascii() and rating.isdecimal() and len(rating) <= 2):
                raise InputError("A rating is a whole number from 1 to 10.", field="rating")
            return Feedback(FeedbackType.RATING, int(rating), comment=comment, author=author)
        case "training_example":
            return Feedback(
                FeedbackType.TRAINING_EXAMPLE,
                comment=comment,
                example_input=typed["example_input"],
                expected_output=typed["expected_output"],
                author=author,
            )
        case _:
            raise InputError("Choose what kind of feedback it is.", field="kind")
