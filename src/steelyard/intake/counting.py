"""How those who tell of a use count its tokens, and one way of counting made of all of them.

Ours: cache reads and writes are part of the input, reasoning is part of the output.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from steelyard.domain.calls import Usage
from steelyard.intake.refused import Refused


class Place(Enum):
    """Where a part is counted. UNKNOWN: releases differ, and nothing on the use tells which it was."""

    WITHIN = "within"
    BESIDE = "beside"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Counting:
    """One way of counting: where cache tokens stand to the input, and reasoning tokens to the output.

    `rest_is_reasoning`: what the total has more than input and output is reasoning that is named nowhere.
    """

    cache: Place = Place.WITHIN
    reasoning: Place = Place.WITHIN
    rest_is_reasoning: bool = False


@dataclass(frozen=True)
class Told:
    """Tokens as they were told; None is not told."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    total: int | None = None


# As the conventions have it: "gen_ai.usage.input_tokens SHOULD include all types of input tokens, including cached".
CONVENTIONS = Counting()

# The APIs themselves, by whose answer it is.
OF_ANTHROPIC = Counting(cache=Place.BESIDE)
OF_OPENAI = Counting()
OF_GOOGLE = Counting(reasoning=Place.BESIDE)

# Instrumentations that hand on a vendor's own counts, by the start of their scope's name and by provider ("" for
# every other). Whatever is not here adds the parts up as the conventions ask: OpenLLMetry's and OpenTelemetry's
# instrumentations of Anthropic, OpenAI and Google, OpenInference, pydantic-ai, Logfire, LiteLLM.
_BY_SCOPE: tuple[tuple[str, dict[str, Counting]], ...] = (
    # Bedrock's body has the fresh input; the cache's tokens come from headers beside it.
    ("opentelemetry.instrumentation.bedrock", {"": Counting(cache=Place.BESIDE)}),
    # candidates_token_count without the thoughts, which only the total has.
    ("opentelemetry.instrumentation.google_generativeai", {"": Counting(rest_is_reasoning=True)}),
    ("opentelemetry.instrumentation.vertexai", {"": Counting(rest_is_reasoning=True)}),
    # The Vercel AI SDK: up to version 5 Anthropic's and Bedrock's input is without the cache, from 6 on with it.
    ("ai", {"anthropic": Counting(cache=Place.UNKNOWN), "aws": Counting(cache=Place.UNKNOWN), "": CONVENTIONS}),
)


def counting_of(scope: str, provider: str) -> Counting:
    """How the instrumentation of that scope counts the tokens of a provider's model."""
    for name, ways in _BY_SCOPE:
        if scope == name or (scope.startswith(name) and scope[len(name)] in "./-_"):
            return ways.get(provider, ways[""])
    return CONVENTIONS


def normalised(told: Told, counting: Counting) -> Usage:
    """The tokens in our way of counting. A count that is left out is 0 unless the total says otherwise.

    A total that only comes out with the cache, or the reasoning, beside the rest settles it before `counting` does.
    What is a contradiction by both is not guessed at. Raises Refused.
    """
    read, write, reasoning = told.cache_read or 0, told.cache_write or 0, told.reasoning or 0
    fresh, output = told.input or 0, told.output or 0
    cache = read + write
    sums = {
        (Place.WITHIN, Place.WITHIN): fresh + output,
        (Place.BESIDE, Place.WITHIN): fresh + output + cache,
        (Place.WITHIN, Place.BESIDE): fresh + output + reasoning,
        (Place.BESIDE, Place.BESIDE): fresh + output + cache + reasoning,
    }
    where = (counting.cache, counting.reasoning)
    if told.total and told.total != sums[Place.WITHIN, Place.WITHIN]:
        fitting = [places for places, total in sums.items() if total == told.total]
        if where not in fitting:
            where = _settled(fitting, told, counting) or where
    if where[0] is Place.UNKNOWN and cache:
        raise Refused(
            "input_tokens",
            "Whether they hold the cache's tokens is not known: releases of this instrumentation differ, and the span"
            " has no total that tells.",
        )
    if where[0] is Place.BESIDE:
        fresh += cache
    if where[1] is Place.BESIDE:
        output += reasoning
    if counting.rest_is_reasoning and told.total and not reasoning and told.total > fresh + output:
        reasoning = told.total - fresh - output
        output += reasoning
    _check(told, fresh, output, cache, reasoning)
    return Usage(fresh, output, read, write, reasoning)


def _settled(fitting: list[tuple[Place, Place]], told: Told, counting: Counting) -> tuple[Place, Place] | None:
    """What the total leaves open goes by the way of counting."""
    if not fitting:
        if told.input is None or told.output is None:
            missing = "input_tokens" if told.input is None else "output_tokens"
            raise Refused(missing, "They are left out, and the total says that they are not 0.")
        return None
    caches, reasonings = {places[0] for places in fitting}, {places[1] for places in fitting}
    if len(caches) == 1:
        cache = caches.pop()
        return cache, counting.reasoning if counting.reasoning in reasonings else min(reasonings, key=lambda p: p.value)
    return (counting.cache, reasonings.pop()) if len(reasonings) == 1 else None


def _check(told: Told, whole_input: int, output: int, cache: int, reasoning: int) -> None:
    """Raises Refused."""
    if whole_input < cache:
        raise Refused(
            "input_tokens", "They are fewer than those read from and written to the cache, which are part of them."
        )
    if output < reasoning:
        raise Refused("reasoning_tokens", "They are more than output_tokens, of which they are a part.")
