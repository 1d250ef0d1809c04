"""What is said before a run: what was read, who judges, what it will take and what it can show."""

from __future__ import annotations

from rich.text import Text

from steelyard.cli import text as words
from steelyard.cli.selection import Selected
from steelyard.cli.terminal import Terminal
from steelyard.domain.money import dollars
from steelyard.services.estimates import Estimate, budget_warnings, race_sentence
from steelyard.services.run_request import RunRequest
from steelyard.statistics import FEWEST_CASES

REMARKS_SHOWN = 3


def announce(selected: Selected, terminal: Terminal) -> None:
    """The skill and its lint, what of its cases was lossy, and the judge."""
    request, content = selected.request, selected.request.content
    errors = sum(finding.level == "error" for finding in content.lint)
    warnings = len(content.lint) - errors
    lint = ", ".join(words.count(n, noun) for n, noun in ((errors, "lint error"), (warnings, "lint warning")) if n)
    remark = f"; {lint} (`steelyard skills lint` shows them)" if lint else ""
    terminal.say(
        f"Skill {words.safe(content.name, 64)} (version {content.digest[:12]}),"
        f" {words.count(len(request.cases), 'golden case')}{remark}."
    )
    if content.cut:
        terminal.warn(f"Too long to be sent whole; left out: {words.safe(', '.join(content.cut), 200)}.")
    for finding in selected.lossy[:REMARKS_SHOWN]:
        where = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
        terminal.warn(f"{words.safe(where)}: {words.safe(finding.message, 200)}")
    if len(selected.lossy) > REMARKS_SHOWN:
        terminal.warn(f"and {words.count(len(selected.lossy) - REMARKS_SHOWN, 'other remark')} on its cases.")
    sentence = words.safe(selected.judge_sentence)
    if selected.same_family:
        terminal.warn(sentence)
    else:
        terminal.say(sentence)
    if selected.unscored:
        terminal.warn(
            f"{selected.unscored:,} of {words.count(len(request.cases), 'case')}"
            f" {'needs' if selected.unscored == 1 else 'need'} a judge and will not be graded."
        )


def plan_line(request: RunRequest) -> str:
    """`2 models x 12 cases x 2 arms = 48 cells`."""
    trials = f" × {words.count(request.trials, 'trial')}" if request.trials > 1 else ""
    cells = len(request.models) * len(request.cases) * len(request.arms) * request.trials
    return (
        f"{words.count(len(request.models), 'model')} × {words.count(len(request.cases), 'case')} ×"
        f" {words.count(len(request.arms), 'arm')}{trials} = {words.count(cells, 'cell')}"
        f"{'' if request.race is None else ' at most'}"
    )


def estimate_lines(request: RunRequest, estimate: Estimate) -> list[str]:
    """The plan with what it takes; what it cannot know; what so many cases can show."""
    lines = [f"Plan: {plan_line(request)}."]
    if request.race is not None:
        lines.append(race_sentence(request.race, estimate.n_cases))
    if estimate.reused:
        lines.append(
            f"{estimate.reused:,} of {estimate.planned:,} cells are paid for already and are not called again."
        )
    if estimate.calls or estimate.canary_calls:
        judges = "the judge" if len(request.judges) < 2 else "the judges"
        examined = f"{words.count(estimate.canary_calls, 'call')} to examine {judges}" if estimate.canary_calls else ""
        judged = "".join(
            f" and {part}"
            for part in (words.count(estimate.judge_calls, "judgement") if estimate.judge_calls else "", examined)
            if part
        )
        tokens = estimate.input_tokens + estimate.output_tokens
        most = "" if request.race is None else "at most "
        least = "at least " if estimate.cost_is_lower_bound else "about "
        unknown = estimate.cost_is_lower_bound and not estimate.cost_microcents
        cost = "cost unknown" if unknown else f"{least}{dollars(estimate.cost_microcents)}"
        lines.append(
            f"To do: {most}{words.count(estimate.calls, 'call')}{judged}, about {words.rounded(tokens)} tokens,"
            f" {cost}, about {words.seconds(max(1.0, 60 * estimate.minutes))}."
        )
    if estimate.unpriced:
        those = "it" if len(estimate.unpriced) == 1 else "them"
        lines.append(
            f"No price is known for {words.safe(', '.join(estimate.unpriced))}: totals are lower bounds, and a budget"
            f" cannot count {those}. `steelyard providers set-price` gives one to a model of your own provider,"
            " `[providers.NAME.prices]` in settings.toml to one of the server's."
        )
    lines += budget_warnings(estimate)
    if estimate.judge_fails is not None:
        lines.append(words.safe(estimate.judge_fails))
    if estimate.no_verdict is not None:
        lines.append(estimate.no_verdict)
    elif estimate.detectable_lead is not None:
        lines.append(
            f"{words.count(estimate.n_cases, 'case')} can show a lead of about {estimate.detectable_lead:.0f} points or"
            " more (80% power)."
        )
    elif request.race == "set" and estimate.n_cases >= FEWEST_CASES:
        lines.append("On these cases every lead counts, however small; nothing is claimed of others.")
    elif len(request.models) > 1:
        lines.append(
            f"{words.count(estimate.n_cases, 'case')} cannot show a lead: no claim is made below {FEWEST_CASES} cases."
        )
    return lines


def tell_estimate(request: RunRequest, estimate: Estimate, terminal: Terminal) -> None:
    for line in estimate_lines(request, estimate):
        terminal.say(Text(line))


def tell_kept_budget(budget_microcents: int | None, terminal: Terminal) -> None:
    """That an earlier run's budget holds on, where it had one and no other was given."""
    if budget_microcents is not None:
        terminal.say(f"Budget {dollars(budget_microcents)}, as before; --budget changes it.")
