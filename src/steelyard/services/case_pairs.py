"""Which case of one run is which of another: by its row, by its content, or by its key alone. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from steelyard.domain.cases import GoldenCase


@dataclass(frozen=True)
class PlannedCase:
    """A case in a run's order."""

    index: int
    id: UUID
    case: GoldenCase


@dataclass(frozen=True)
class CasePairs:
    """`same`: pairs that ask and expect the same; `changed`: pairs of one key whose content differs; the rest are
    `added` (only in the second run) or `removed` (only in the first). All in the second run's order, `removed` in the
    first's.
    """

    same: tuple[tuple[PlannedCase, PlannedCase], ...]
    changed: tuple[tuple[PlannedCase, PlannedCase], ...]
    added: tuple[PlannedCase, ...]
    removed: tuple[PlannedCase, ...]


def pair_cases(first: Sequence[PlannedCase], second: Sequence[PlannedCase]) -> CasePairs:
    """Every case ends up in exactly one place. Among cases of equal content the same row comes first, then the same
    key, then the order of the runs.
    """
    same: list[tuple[PlannedCase, PlannedCase]] = []
    left, right = list(first), list(second)
    for key in (_row, _content_and_key, _content):
        matched, left, right = _match(left, right, key)
        same += matched
    changed, removed, added = _match(left, right, _key)
    return CasePairs(tuple(_ordered(same)), tuple(_ordered(changed)), tuple(added), tuple(removed))


def _row(case: PlannedCase) -> object:
    return case.id


def _content(case: PlannedCase) -> object:
    return case.case.grading_digest


def _content_and_key(case: PlannedCase) -> object:
    return case.case.grading_digest, case.case.case_id


def _key(case: PlannedCase) -> object:
    return case.case.source, case.case.case_id


def _match(
    first: Sequence[PlannedCase], second: Sequence[PlannedCase], key: Callable[[PlannedCase], object]
) -> tuple[list[tuple[PlannedCase, PlannedCase]], list[PlannedCase], list[PlannedCase]]:
    """(pairs with equal keys, what is left of the first, what is left of the second)."""
    waiting: dict[object, list[PlannedCase]] = defaultdict(list)
    for case in reversed(first):
        waiting[key(case)].append(case)
    pairs: list[tuple[PlannedCase, PlannedCase]] = []
    alone: list[PlannedCase] = []
    for case in second:
        candidates = waiting.get(key(case))
        if candidates:
            pairs.append((candidates.pop(), case))
        else:
            alone.append(case)
    taken = {id(one) for one, _ in pairs}
    return pairs, [case for case in first if id(case) not in taken], alone


def _ordered(pairs: list[tuple[PlannedCase, PlannedCase]]) -> list[tuple[PlannedCase, PlannedCase]]:
    return sorted(pairs, key=lambda pair: pair[1].index)
