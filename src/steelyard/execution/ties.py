"""What a tie-break compares, worked out from the answers of the tied models, and what its replies come to. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import nan
from typing import TYPE_CHECKING

from steelyard.domain.cases import GoldenCase
from steelyard.domain.tie_breaks import Preference
from steelyard.judging.pair_gate import GateDuel, gate_duels
from steelyard.judging.pairs import Duel, criteria_of, shown_text
from steelyard.storage.pair_comparisons import TiedAnswer

if TYPE_CHECKING:
    from steelyard.statistics import TieBreak

_FIRST = (Preference.FIRST, Preference.SECOND)
_SECOND = (Preference.SECOND, Preference.FIRST)


@dataclass(frozen=True)
class Meeting:
    """One case and trial on which both of a pair have an answer; `duel` shows the first of the pair first."""

    pair: int
    case_index: int
    duel: Duel

    def said(self, preferences: Mapping[str, Preference]) -> tuple[Preference, Preference] | None:
        """What was said with the first of the pair shown first, and shown second; None while either is not known."""
        found = preferences.get(self.duel.digest), preferences.get(self.duel.swapped.digest)
        return None if found[0] is None or found[1] is None else (found[0], found[1])


@dataclass(frozen=True)
class TieMeetings:
    """All that is compared: every pair of `models`, on every case and trial both have an answer for."""

    models: tuple[str, ...]
    families: tuple[str | None, ...]
    meetings: tuple[Meeting, ...]
    gate: tuple[GateDuel, ...]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return list(combinations(range(len(self.models)), 2))

    @property
    def cases(self) -> int:
        """On how many cases any pair meets."""
        return len({meeting.case_index for meeting in self.meetings})

    @property
    def identical(self) -> int:
        """Meetings of outputs that a judge would see as the same text: ties that take no call."""
        return sum(meeting.duel.identical for meeting in self.meetings)

    @cached_property
    def gate_digests(self) -> frozenset[str]:
        return frozenset(one.duel.digest for one in self.gate)

    @cached_property
    def duels(self) -> dict[str, Duel]:
        """Every comparison to be asked for, the gate's among them, by its digest."""
        asked = [one.duel for one in self.gate]
        for meeting in self.meetings:
            if not meeting.duel.identical:
                asked += [meeting.duel, meeting.duel.swapped]
        return {duel.digest: duel for duel in asked}


def meetings_of(
    models: Sequence[str], cases: Sequence[GoldenCase], rubric: Sequence[str], answers: Sequence[TiedAnswer]
) -> TieMeetings:
    """The meetings of the tied models' answers; trials of one number meet."""
    criteria = [criteria_of(case, rubric) for case in cases]
    shown = {
        (one.model_name, one.test_case_index, one.trial): shown_text(
            cases[one.test_case_index], criteria[one.test_case_index], one.output_produced
        )
        for one in answers
    }
    places = sorted({(case, trial) for _, case, trial in shown})
    found: list[Meeting] = []
    for pair, (first, second) in enumerate(combinations(models, 2)):
        for index, trial in places:
            texts = shown.get((first, index, trial)), shown.get((second, index, trial))
            if texts[0] is not None and texts[1] is not None:
                case = cases[index]
                duel = Duel(case.prompt, case.expected, criteria[index], texts[0], texts[1])
                found.append(Meeting(pair, index, duel))
    families = tuple(case.family for case in cases)
    # A judge that is asked for nothing is not tried.
    asked = any(not meeting.duel.identical for meeting in found)
    return TieMeetings(tuple(models), families, tuple(found), gate_duels(cases) if asked else ())


def result_of(tied: TieMeetings, preferences: Mapping[str, Preference]) -> TieBreak:
    """What the preferences, by digest of the comparison, come to.

    A win takes both orders. A case counts for a pair once all its trials are compared, with the mean of them.
    """
    # Imported when it is worked out: numpy takes its time.
    from steelyard.statistics import Orders, break_tie

    votes: dict[tuple[int, int], list[float]] = defaultdict(list)
    incomplete: set[tuple[int, int]] = set()
    kept = flipped = even = half = 0
    for meeting in tied.meetings:
        place = (meeting.pair, meeting.case_index)
        if meeting.duel.identical:
            votes[place].append(0.0)
            continue
        said = meeting.said(preferences)
        if said is None:
            incomplete.add(place)
            continue
        votes[place].append(1.0 if said == _FIRST else -1.0 if said == _SECOND else 0.0)
        kept += said in (_FIRST, _SECOND)
        flipped += said[0] is said[1] is not Preference.NEITHER
        even += said[0] is said[1] is Preference.NEITHER
        half += said[0] is not said[1] and Preference.NEITHER in said
    pairs = tied.pairs
    table = [[nan] * len(tied.families) for _ in pairs]
    for (pair, case), given in votes.items():
        if (pair, case) not in incomplete:
            table[pair][case] = sum(given) / len(given)
    missing = [sum(place[0] == pair for place in incomplete) for pair in range(len(pairs))]
    return break_tie(len(tied.models), pairs, table, Orders(kept, flipped, even, half), tied.families, missing)
