"""Which judge to use when none is named: out of the candidates' families where the keys at hand allow it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from steelyard.domain.models import ModelRef, model_family

# In the order they are preferred; the newest of each at the time of release.
PREFERRED = (
    ModelRef("anthropic", "claude-sonnet-5-5"),
    ModelRef("openai", "gpt-6.1-sol"),
    ModelRef("google", "gemini-4-argon"),
)


@dataclass(frozen=True)
class DefaultJudge:
    """`ref` is None when no vendor can be counted on: then only checks grade. `sentence` is for the screen."""

    ref: ModelRef | None
    same_family: bool
    sentence: str


def choose_judge(
    providers: Collection[str], candidates: Sequence[ModelRef], elsewhere: Mapping[str, str] = MappingProxyType({})
) -> DefaultJudge:
    """The first preferred judge of no candidate's family whose provider is in `providers`, else the first at hand.

    `elsewhere`: providers that have a key but are at an address that need not have their vendor's models, with what
    set the address.
    """
    at_hand = [ref for ref in PREFERRED if ref.provider in providers]
    moved = [ref.provider for ref in PREFERRED if ref.provider in elsewhere]
    if not at_hand and moved:
        named = " and ".join(f"{name} ({elsewhere[name]})" for name in moved)
        are = "is at an address" if len(moved) == 1 else "are at addresses"
        return DefaultJudge(
            None,
            False,
            f"No judge by default: {named} {are} of one's own, where the vendor's models cannot be counted on, so only"
            " deterministic checks grade. Name a judge, or set ANTHROPIC_API_KEY.",
        )
    if not at_hand:
        return DefaultJudge(
            None,
            False,
            "No judge: no vendor's key is at hand, so only deterministic checks grade. Set ANTHROPIC_API_KEY, or name"
            " a judge.",
        )
    outside = [ref for ref in at_hand if not same_family(ref, candidates)]
    if outside:
        return DefaultJudge(outside[0], False, f"Judge: {outside[0].text} (the default).")
    return DefaultJudge(
        at_hand[0],
        True,
        f"Judge: {at_hand[0].text} (the default). It is of a candidate's own family, and may favour it; name another"
        " judge where you can, or one of another family beside it.",
    )


def same_family(judge: ModelRef, candidates: Sequence[ModelRef]) -> bool:
    """Whether the judge is of the family of any candidate, whoever serves them."""
    return model_family(judge) in {model_family(candidate) for candidate in candidates}
