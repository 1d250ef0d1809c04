"""What a change in the audit log says in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from steelyard.domain.money import dollars, exact_dollars
from steelyard.storage.audit import AuditRow

# What may be changed, by the name the log has for it; a page offers them in this order.
KINDS: Mapping[str, str] = {
    "skill": "skill",
    "version": "version",
    "case": "golden case",
    "example": "user’s example",
    "suggestion": "suggestion",
    "run": "benchmark run",
    "tie-break": "tie-break",
    "review": "review",
    "drafts": "drafting of cases",
    "tenant": "settings of the tenant",
    "webhook": "webhook",
    "member": "member",
    "invitation": "invitation",
    "key": "API key",
    "budget": "budget",
    "provider": "provider",
    "price": "price",
}

_FIELDS: Mapping[str, str] = {
    "current_version_id": "version in use",
    "stale_after_days": "days until a benchmark is stale",
    "mail_to": "e-mail addresses",
    "rebenchmark_budget_microcents": "budget of testing again by itself",
    "rebenchmark_causes": "causes of testing again by itself",
    "budget_microcents": "budget",
    "month_microcents": "budget of a month",
    "run_microcents": "budget of one run",
    "refuse_unpriced": "refusal of models without a known price",
    "spent_microcents": "spent",
    "accept_judge": "judge accepted whatever its examination says",
    "triggered_by": "asked for by",
    "planned": "calls planned",
    "of_draft": "of a draft version",
    "retired_at": "out of use since",
    "discarded_at": "discarded",
    "case_set": "set",
    "expected_output": "expected output",
    "decided_by": "decided by",
    "decided_why": "why",
    "draft_by": "drafted by",
    "draft_why": "to be tried",
    "skill_versions": "versions",
    "golden_cases": "golden cases",
    "benchmark_runs": "benchmark runs",
    "skill_feedback": "opinions of users",
    "skill_reviews": "reviews",
    "case_drafts": "draftings of cases",
    "url": "address",
    "a_minute": "requests a minute",
    "expires_at": "good until",
    "revoked_at": "revoked",
    "secret_hash": "secret",
    "token_hash": "link",
    "base_url": "address",
    "input_microcents": "price of a million tokens of input",
    "output_microcents": "price of a million tokens of output",
    "cache_read_microcents": "price of a million tokens from the cache",
    "cache_write_microcents": "price of a million tokens to the cache",
    "key_set_at": "key",
    "secret_at": "secret",
    "reset_at": "link used at",
}
# Of a million tokens: what was and what became may differ in the last digit alone.
_PRICES = ("input_microcents", "output_microcents", "cache_read_microcents", "cache_write_microcents")
_AROUND: Mapping[str, tuple[str, str]] = {
    "retired": ("took", "out of use"),
    "restored": ("brought", "back into use"),
    "adopted": ("made", "one that is in use"),
    "renewed": ("gave", "a new secret"),
    "reset": ("set the password of", "anew by a link"),
}
_UNNAMED = ("tenant", "webhook", "budget")
_NAME = 100
_DIGEST = 12
_SHORT_ID = 8


@dataclass(frozen=True)
class Detail:
    """One column that changed: its name in words, and what it was and became, None where there was nothing."""

    name: str
    old: str | None
    new: str | None


def sentence(row: AuditRow, digests: Mapping[str, str]) -> str:
    """`accepted the golden case 'refund-3' of support-reply`: to be read after the actor's name.

    `digests` has those of versions by id. Names in it are as others gave them: whoever shows it escapes it.
    """
    if row.action == "switched":
        now = row.change.get("current_version_id", (None, None))[1]
        version = digests.get(str(now), str(now).partition("-")[0])
        return f"put version {version[:_DIGEST]} of {_cut(row.subject_name)} into use"
    what = f"the {KINDS.get(row.subject_kind, row.subject_kind)}{_named(row)}{_of_skill(row)}"
    if row.subject_kind == "version" and row.change.get("draft") == [None, True] and row.action == "added":
        return f"drafted {what}"
    if row.action == "changed" and row.change:
        fields = _listed([_field(name) for name in row.change])
        return f"changed {fields}" + ("" if row.subject_kind == "tenant" else f" of {what}")
    if row.action == "deleted" and row.subject_kind == "member":
        return f"removed {what}"
    if row.action == "deleted" and row.subject_kind == "invitation":
        # Taken back by an admin, or taken up by whom it was for: the line of the member added then stands beside it.
        return f"ended {what}"
    before, after = _AROUND.get(row.action, (row.action, ""))
    return f"{before} {what} {after}".rstrip()


def many(row: AuditRow, count: int) -> str:
    """`added 14 golden cases of support-reply`: the sentence of so many changes that are all like this one."""
    before, after = _AROUND.get(row.action, (row.action, ""))
    what = f"{count:,} {KINDS.get(row.subject_kind, row.subject_kind)}s{_of_skill(row)}"
    return f"{before} {what} {after}".rstrip()


def details(row: AuditRow, digests: Mapping[str, str]) -> Iterable[Detail]:
    """Each column that changed, with what it was and became."""
    for name, (old, new) in row.change.items():
        yield Detail(_field(name), _value(name, old, digests), _value(name, new, digests))


def _named(row: AuditRow) -> str:
    if row.subject_kind in _UNNAMED:
        return ""
    if not row.subject_name:
        return f" {str(row.subject_id)[:_SHORT_ID]}" if row.subject_id else ""
    if row.subject_kind == "version":
        return f" {row.subject_name[:_DIGEST]}"
    return f" '{_cut(row.subject_name)}'"


def _of_skill(row: AuditRow) -> str:
    return f" of {_cut(row.skill_name)}" if row.skill_name and row.subject_kind != "skill" else ""


def _cut(name: str | None) -> str:
    text = name or ""
    return text if len(text) <= _NAME else text[: _NAME - 1] + "…"


def _field(name: str) -> str:
    return _FIELDS.get(name, name.removesuffix("_microcents").replace("_", " "))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _value(name: str, value: Any, digests: Mapping[str, str]) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "yes" if value else "no"
        case int() if name in _PRICES:
            return exact_dollars(value)
        case int() if name.endswith("_microcents"):
            return dollars(value)
        case int():
            return f"{value:,}"
        case str() if name == "current_version_id":
            return digests.get(value, value)[:_DIGEST]
        case str():
            return value
        case {"hidden": True}:
            return "not kept here"
        case {"sha256": str() as digest, "characters": int() as length}:
            return f"{length:,} characters, sha256 {digest[:_DIGEST]}"
        case list():
            items = cast("list[Any]", value)
            return ", ".join(str(item) for item in items) or "none"
        case _:
            return str(value)
