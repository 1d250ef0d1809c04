"""What a run waits for that nobody has in hand, in words: the same on its page, in its progress and in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from steelyard.storage.served import Wait
from steelyard.storage.tenant_providers import RunOfProvider

_MOST_NAMED = 5


def without_provider(name: str, runs: Sequence[RunOfProvider]) -> str | None:
    """What a removed provider's runs under way come to, in a sentence or two; None where there are none."""
    if not runs:
        return None
    named = [f"{str(run.id)[:8]} of {run.skill_name}" for run in runs[:_MOST_NAMED]]
    more = f" and {len(runs) - _MOST_NAMED:,} more" if len(runs) > _MOST_NAMED else ""
    listed = f"{', '.join(named)}{more}"
    if len(runs) == 1:
        return (
            f"1 run under way calls {name}: {listed}. What it has is kept, and it waits until {name} is set again as it"
            " was, or it is cancelled."
        )
    return (
        f"{len(runs):,} runs under way call {name}: {listed}. What they have is kept, and they wait until {name} is set"
        " again as it was, or they are cancelled."
    )


def wait_words(wait: Wait) -> str:
    """What it waits for, and what to do where waiting alone does not help."""
    if wait.why is not None:
        nobody = "Nobody can serve this run now" if wait.worker else "No worker is there that could serve this run"
        return (
            f"{wait.why.rstrip('.')}. {nobody}, and it waits; what it has is kept. Set things as they were (an admin"
            " sets providers under Settings, Providers), and a worker goes on with it by itself; or cancel it."
        )
    if not wait.worker:
        return (
            "No worker is there to take it up: `steelyard serve` has one unless it was started with --no-worker, and"
            " `steelyard worker` is one. Where that is not yours to start, ask whoever runs the server."
        )
    if not wait.others:
        return "A worker is there, and takes it up as soon as it has a place."
    others = "1 other run is" if wait.others == 1 else f"{wait.others:,} other runs are"
    return f"It waits for a place: a worker is there, and {others} under way. Runs share its places."
