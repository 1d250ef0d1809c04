"""What went wrong in a run, once for each kind and model, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from steelyard.cli import text as words
from steelyard.domain.calls import FailureKind
from steelyard.services.reports import RunReport

SHOWN = 8


def failures(report: RunReport, width: int) -> Iterator[Text]:
    """Nothing when nothing failed."""
    if not report.failures:
        return
    yield Text("Failures", style="bold underline")
    resume = f"steelyard runs resume {str(report.run.id)[:8]}"
    for failure in report.failures[:SHOWN]:
        kind = FailureKind(failure["kind"])
        style = "yellow" if kind.scores_zero else "red"
        fate = "scored 0" if kind.scores_zero else "not scored"
        head = Text(kind.words.capitalize(), style=style)
        cells = words.count(failure["count"], "cell")
        yield head.append(f": {cells} of {words.safe(failure['model'])}, {fate}", "default")
        message = words.safe(failure["message"] or "", 240)
        if message:
            yield Text("  " + words.hang(message, width, 2))
        step = _next_step(kind, resume, report.run.plan.get("max_tokens"))
        yield Text("  next: " + words.hang(step, width, 8), style="dim")
    rest = len(report.failures) - SHOWN
    if rest > 0:
        yield Text(f"and {words.count(rest, 'other kind')}: --json has them all.")


def _next_step(kind: FailureKind, resume: str, max_tokens: object) -> str:
    match kind:
        case FailureKind.EMPTY:
            return "it counts against the model; if it reasons first, give it room with --max-tokens."
        case FailureKind.REFUSED:
            return "it counts against the model; look at the case if it should not have been refused."
        case FailureKind.CUT:
            return f"raise --max-tokens (now {max_tokens}) if answers may be longer."
        case FailureKind.CONTEXT_WINDOW:
            return "shorten the skill's references or the case, or name a model that takes more."
        case FailureKind.AUTHENTICATION:
            return f"set a valid key (`steelyard models` names the variable), then `{resume}`."
        case FailureKind.UNKNOWN_MODEL:
            return "check the model's name with its provider, then run with the right one."
        case FailureKind.BAD_REQUEST:
            return "the message says what the provider did not accept; change it and run again."
        case FailureKind.RATE_LIMITED | FailureKind.OVERLOADED:
            return f"`{resume}` calls again; a lower --concurrency helps."
        case FailureKind.NETWORK:
            return f"check the address and the network, then `{resume}`."
        case FailureKind.JUDGE:
            return f"`{resume}` judges again; the answers are kept and not called again."
        case FailureKind.INTERNAL:
            return f"`{resume}` tries again; with STEELYARD_DEBUG=1 it says where it went wrong."
        case _:
            return f"`{resume}` calls again."
