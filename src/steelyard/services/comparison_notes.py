"""Whether two runs can be compared, and what to bear in mind where they are. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from steelyard.services.case_pairs import CasePairs, PlannedCase
from steelyard.services.certificates import mark_so_far
from steelyard.services.run_changes import Side, WhatChanged


def why_not(
    changes: WhatChanged,
    arm: str | None,
    pairs: CasePairs,
    graded_alike: Sequence[tuple[PlannedCase, PlannedCase]],
) -> str | None:
    """Why the qualities of two runs are not compared at all; None where they are."""
    if arm is None:
        return "The qualities are not compared: one run is with the skill and the other without it."
    if not changes.models_common:
        return "The qualities are not compared: the runs have no model in common."
    if not pairs.same:
        return "The qualities are not compared: the runs have no case in common."
    if graded_alike:
        return None
    if changes.judge_digest.changed:
        return "The qualities are not compared: the runs have different judges, whose scores do not mean the same."
    if changes.rubric.changed:
        return "The qualities are not compared: the runs were judged by different rubrics."
    if changes.threshold.changed:
        return "The qualities are not compared: the runs were graded with different thresholds."
    return "The qualities are not compared: no case in both runs was answered and graded in both."


def notes_on(
    changes: WhatChanged,
    pairs: CasePairs,
    graded_alike: Sequence[tuple[PlannedCase, PlannedCase]],
    first: Side,
    second: Side,
) -> tuple[str, ...]:
    """What to bear in mind of a comparison that was made."""
    notes = [
        f"{which} run: {mark[0].lower()}{mark[1:]}"
        for which, side in (("First", first), ("Second", second))
        if (mark := mark_so_far(side.run)) is not None
    ]
    before, after = gradings_of(first), gradings_of(second)
    uncalled = sum(not (before[one.index] and after[other.index]) for one, other in pairs.same)
    if uncalled:
        notes.append(
            f"{uncalled:,} of {len(pairs.same):,} cases in both runs are left out: one of them did not call for these."
        )
    left_out = len(pairs.same) - len(graded_alike) - uncalled
    if left_out:
        why = "they were judged by different judges" if changes.judge_digest.changed else "they were not graded alike"
        notes.append(f"{left_out:,} of {len(pairs.same):,} cases in both runs are left out: {why}.")
    if changes.max_tokens.changed:
        notes.append(
            f"Answers could be {changes.max_tokens.before:,} tokens long before and {changes.max_tokens.after:,} after."
        )
    moved = [model for model, identity in changes.identities.items() if identity.changed]
    if moved:
        notes.append(f"Something else answers under the same name as before: {', '.join(moved)}.")
    for which, side in (("first", first), ("second", second)):
        if side.run.status != "completed" or side.run.partial:
            notes.append(f"The {which} run is not complete; what it has is compared.")
    return tuple(notes)


def gradings_of(side: Side) -> dict[int, set[str]]:
    """The ways each case was graded in a run, by its place."""
    gradings: dict[int, set[str]] = defaultdict(set)
    for cells in side.cells.values():
        for cell in cells:
            gradings[cell.test_case_index].add(cell.grading_digest)
    return gradings
