"""What notices say: the JSON that is posted, and the same as the text of an e-mail."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

from steelyard.domain.money import about
from steelyard.domain.notices import STALE, TEST, StaleNotice
from steelyard.domain.stale_causes import CauseKind

SCHEMA = "steelyard.notice/1"
# Skills in one message: a receiver need not take megabytes.
MOST_SKILLS = 100
_MOST_LETTERS = 2_000


def payloads(found: Sequence[StaleNotice], base_url: str | None, now: datetime) -> list[dict[str, Any]]:
    """The messages of one check, MOST_SKILLS skills in each; none where nothing is new."""
    parts = -(-len(found) // MOST_SKILLS)
    return [
        {
            "type": STALE,
            "timestamp": now.isoformat(),
            "data": {
                "schema": SCHEMA,
                "part": part + 1,
                "parts": parts,
                "skills": [_skill(one, base_url) for one in found[part * MOST_SKILLS :][:MOST_SKILLS]],
            },
        }
        for part in range(parts)
    ]


def test_payload(now: datetime) -> dict[str, Any]:
    """The message that only tries the way."""
    return {"type": TEST, "timestamp": now.isoformat(), "data": {"schema": SCHEMA, "skills": []}}


def mail_of(payload: Mapping[str, Any]) -> tuple[str, str]:
    """(subject, text) of a message. The subject holds nothing but numbers and words of ours."""
    if payload["type"] == TEST:
        return "Steelyard: a test", "This is a test. Notices of stale benchmarks reach you.\n"
    data = payload["data"]
    skills = cast(Sequence[Mapping[str, Any]], data["skills"])
    number = len(skills)
    subject = f"Steelyard: {number} {'benchmark is' if number == 1 else 'benchmarks are'} stale"
    if data["parts"] > 1:
        subject += f" (part {data['part']} of {data['parts']})"
    return subject, "\n".join(_lines(skills)) + "\n"


def _skill(one: StaleNotice, base_url: str | None) -> dict[str, Any]:
    return {
        "skill": one.skill,
        "run": one.run_id,
        "url": None if base_url is None else f"{base_url}/skills/{quote(one.skill, safe='')}/benchmark",
        "causes": [cause.to_json() for cause in one.causes],
        "outlook": one.outlook,
    }


def _lines(skills: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "What is new since the last check. Each cause is told of once."
    for one in skills:
        yield ""
        yield _plain(one["skill"])
        for cause in one["causes"]:
            kind = CauseKind(cause["kind"])
            since = "noticed" if cause["since_is_when_noticed"] else "since"
            yield f"  {kind.heading}: {_plain(cause['evidence'])} ({since} {str(cause['since'])[:10]})"
            if cause["retest"] is not None:
                yield f"    {_retest(cause['retest'])}"
        if one["outlook"] is not None:
            yield f"  {_plain(one['outlook'])}"
        yield f"  {one['url'] or 'steelyard stale ' + _plain(one['skill'])}"


def _retest(retest: Mapping[str, Any]) -> str:
    if retest["problem"] is not None:
        return f"Testing again cannot be done as it stands: {_plain(retest['problem'])}"
    calls, judge = retest["calls"], retest["judge_calls"]
    if not calls and not judge:
        return f"Testing again takes no call and costs $0; {retest['reused']:,} answers are used again."
    cost = about(retest["cost_microcents"])
    bound = "at least " if retest["cost_is_lower_bound"] else "about "
    return f"Testing again takes {calls:,} calls of models and {judge:,} of the judge, {bound}{cost}."


def _plain(text: object) -> str:
    """One line without control and direction marks: skills' names and files are other people's."""
    line = re.sub(r"\s+", " ", str(text))
    return "".join(char for char in line if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co"))[:_MOST_LETTERS]
