"""Runs of a server: what is asked of it, what it says of that, and how one goes on there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from steelyard.cli import text as words
from steelyard.cli.follow import on_interrupt
from steelyard.cli.place import typed_again
from steelyard.cli.progress import Progress, Standing, clock
from steelyard.cli.remote import WAITS_S
from steelyard.domain.calls import Trouble
from steelyard.domain.cases import GoldenCase
from steelyard.domain.errors import InputError, SteelyardError
from steelyard.domain.runs import CellState
from steelyard.services import wire
from steelyard.services.run_form import MOST_AD_HOC
from steelyard.services.selection import ARMS, Choice

if TYPE_CHECKING:
    from steelyard.cli.terminal import Terminal
    from steelyard.client import documents
    from steelyard.client.api import Client


def new_run(choice: Choice, version: str) -> documents.NewRun:
    """The run as the API is asked for it. Raises InputError for cases it does not take."""
    body: dict[str, Any] = {
        "models": [model.text for model in choice.models],
        "case_set": choice.case_set,
        "ad_hoc": None if choice.given is None else _ad_hoc(choice.given),
        "arm": next(name for name, arms in ARMS.items() if arms == choice.arms),
        "trials": choice.trials,
        "judge": "none" if choice.no_judge else "default" if choice.judge is None else choice.judge.text,
        "further_judges": [judge.text for judge in choice.further_judges],
        "budget_microcents": choice.budget_microcents,
        "max_tokens": choice.max_tokens,
        "margin": choice.margin,
        "threshold": choice.threshold,
        "seed": choice.seed,
        "fresh": choice.fresh,
        "race": choice.race,
        "accept_judge": choice.accept_judge,
        "version": version,
    }
    return body  # pyright: ignore[reportReturnType]


def _ad_hoc(cases: Sequence[GoldenCase]) -> list[dict[str, str]]:
    if len(cases) > MOST_AD_HOC or any(case.assertions or case.checks or case.files for case in cases):
        raise InputError(
            f"A server takes at most {MOST_AD_HOC} cases for one run alone, each of an input and an expected output.",
            field="cases",
            kept="Nothing was called.",
            next_step="Put them into evals/ of the skill's folder: then they go there with it.",
        )
    return [{"input": case.input, "expected": case.expected} for case in cases]


async def follow(client: Client, run_id: UUID, terminal: Terminal) -> bool:
    """Show a server's run until it ends; True when the person interrupted, who leaves it going.

    Raises SteelyardError, which says how to look at it later, where its events do not come any more.
    """
    try:
        return await _follow(client, run_id, terminal)
    except SteelyardError as error:
        error.kept = "The run depends on the server alone; what is answered is kept there."
        error.next_step = (
            f"`{typed_again(f'runs show {str(run_id)[:8]}')}` says how it stands, once the server answers."
        )
        raise


async def _follow(client: Client, run_id: UUID, terminal: Terminal) -> bool:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    told: asyncio.Queue[documents.Progress | Exception | None] = asyncio.Queue()

    def put(item: documents.Progress | Exception | None) -> None:
        # The loop may be closed by now.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(told.put_nowait, item)

    def listen() -> None:
        try:
            for progress in client.stream_run(str(run_id)):
                put(progress)
                if stop.is_set():
                    return
            put(None)
        except Exception as error:
            # Whatever it is, whoever waits has to hear of it.
            put(error)

    with on_interrupt(stop.set), Progress(terminal) as screen:
        threading.Thread(target=listen, name="steelyard events", daemon=True).start()
        stopping, began_s, expected = asyncio.ensure_future(stop.wait()), clock(), False
        waits: str | None = None
        while not stop.is_set():
            waiting = asyncio.ensure_future(told.get())
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                waiting.cancel()
                break
            match waiting.result():
                case None:
                    stopping.cancel()
                    return False
                case Exception() as error:
                    stopping.cancel()
                    raise error
                case progress:
                    if not expected:
                        models = list(dict.fromkeys(lane["model"] for lane in progress["lanes"]))
                        screen.expect(models, _per_model(progress, models))
                        expected = True
                    said = progress["waits"]
                    late = clock() - began_s > WAITS_S
                    if said is not None and said != waits and (progress["left"] or (waits is None and late)):
                        waits = said
                        terminal.warn(words.safe(said, 800))
                    screen.update(_standing(progress, clock() - began_s))
    return True


def _per_model(progress: documents.Progress, models: Sequence[str]) -> int:
    race = progress["race"]
    if race is not None:
        return race["cases"] * race["cells_per_case"]
    return progress["planned"] // max(1, len(models))


def _standing(progress: documents.Progress, elapsed_s: float) -> Standing:
    ended: dict[tuple[str, str], int] = {}
    for lane in progress["lanes"]:
        lost = lane["failed"] + lane["outages"]
        for state, count in ((CellState.FAILED, lost), (CellState.JUDGED, lane["ended"] - lost)):
            ended[lane["model"], state] = ended.get((lane["model"], state), 0) + count
    return Standing(
        ended,
        progress["spent_microcents"],
        progress["spent_is_lower_bound"],
        progress["budget_microcents"],
        None,
        elapsed_s,
        troubles=[
            Trouble(one["provider"], one["message"], one["calls"], one["since_s"]) for one in progress["troubles"]
        ],
        race=None if progress["race"] is None else wire.race().of(progress["race"]),
        examination=None if progress["examining"] is None else wire.examination().of(progress["examining"]),
    )
