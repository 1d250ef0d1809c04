"""/v1/cases and /v1/skills/{skill}/cases: golden cases, added, proposed, edited, decided on, and their history."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Path, Query
from pydantic import AfterValidator, Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, SkillRef, Tenant, Who, who_of
from steelyard.api.fields import Count, Given, Id, Moment, Page, Shown
from steelyard.api.operation import Operations, json_of
from steelyard.domain.access import Action
from steelyard.domain.cases import CaseStatus, Check, CheckKind
from steelyard.services.case_text import MAX_KEY, CaseDraft
from steelyard.services.case_words import MAX_WHY
from steelyard.services.tokens import no_such_page, read_token, write_token
from steelyard.skills.cases.model import MAX_CASE_CHARACTERS
from steelyard.storage.cases import CaseEntry
from steelyard.workbench import Workbench

operation = Operations("cases")

CaseId = Annotated[UUID, Path(description="The golden case's id.")]
_MOST_PARTS = 1_000


def _keepable(value: Any) -> Any:
    """JSON alone: no number that is none, and none of more digits than are written out."""
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        raise ValueError("it holds a number or a depth that cannot be kept") from None
    return value


Text = Annotated[str, Field(max_length=MAX_CASE_CHARACTERS)]
Why = Annotated[str, Field(max_length=MAX_WHY, description="For the case's history.", examples=["Seen in use."])]
CaseStatusWord = Annotated[
    Literal["pending", "accepted", "rejected"], Field(description="What whoever decides was shown.")
]


class NewCheck(Given):
    """A deterministic check. `tolerance` is for numbers, `ignore_case` for texts."""

    type: Annotated[CheckKind, Field(examples=["contains"])]
    value: Annotated[Any, AfterValidator(_keepable), Field(description="By the type.", examples=["42"])]
    tolerance: Annotated[float, Field(ge=0)] = 0.0
    ignore_case: bool = False

    def check(self) -> Check:
        """The check it is."""
        return Check(self.type, self.value, self.tolerance, self.ignore_case)


class CaseFields(Given):
    """A golden case as it is written: an input, and an expected output, assertions for the judge, or checks."""

    input: Annotated[Text, Field(description="What a model is given.", examples=["How heavy is a litre of water?"])]
    expected: Annotated[Text, Field(description="One acceptable output.", examples=["1 kg"])] = ""
    assertions: Annotated[tuple[Text, ...], Field(max_length=_MOST_PARTS, examples=[["It names a unit."]])] = ()
    checks: Annotated[tuple[NewCheck, ...], Field(max_length=_MOST_PARTS)] = ()
    family: Annotated[
        str | None, Field(max_length=MAX_KEY, description="Cases of one fixture or source share one.", examples=[None])
    ] = None
    case_set: Annotated[str | None, Field(max_length=MAX_KEY, description="As dev or regression.")] = None
    key: Annotated[
        str | None, Field(max_length=MAX_KEY, description="Its name; the next free one without.", examples=[None])
    ] = None

    def draft(self) -> CaseDraft:
        """The same for the service."""
        return CaseDraft(
            input=self.input,
            expected=self.expected,
            assertions=self.assertions,
            checks=tuple(one.check() for one in self.checks),
            family=self.family,
            case_set=self.case_set,
            key=self.key,
        )


class NewCase(CaseFields):
    """A golden case to be added, or to be proposed for others to decide on."""

    propose: Annotated[bool, Field(description="It waits, and no run uses it, until it is accepted.")] = False
    why: Why = ""


class CaseEdit(Given):
    """What is to be another of a case; what is left out stays."""

    input: Text | None = None
    expected: Text | None = None
    assertions: Annotated[tuple[Text, ...] | None, Field(max_length=_MOST_PARTS, examples=[None])] = None
    checks: Annotated[tuple[NewCheck, ...] | None, Field(max_length=_MOST_PARTS, examples=[None])] = None
    family: Annotated[str | None, Field(max_length=MAX_KEY, description="null: none.", examples=["litres"])] = None
    case_set: Annotated[str | None, Field(max_length=MAX_KEY, description="null: none.", examples=["dev"])] = None
    key: Annotated[str | None, Field(max_length=MAX_KEY, examples=[None])] = None
    accept: Annotated[bool, Field(description="Accept it as well.")] = False
    seen: Annotated[CaseStatusWord | None, Field(examples=[None])] = None
    why: Why = ""

    def draft(self, entry: CaseEntry) -> CaseDraft:
        """The whole case with what is another."""
        was, given = CaseDraft.of(entry.case), self.model_fields_set
        return CaseDraft(
            input=was.input if self.input is None else self.input,
            expected=was.expected if self.expected is None else self.expected,
            assertions=was.assertions if self.assertions is None else self.assertions,
            checks=was.checks if self.checks is None else tuple(one.check() for one in self.checks),
            family=self.family if "family" in given else was.family,
            case_set=self.case_set if "case_set" in given else was.case_set,
            key=self.key or was.key,
            files=was.files,
        )


class Decision(Given):
    """A decision on a case. `seen`: it is refused with 409 where the case is of another status by now."""

    why: Why = ""
    seen: Annotated[CaseStatusWord | None, Field(examples=[None])] = None


class Rejection(Given):
    """A rejection, which needs a reason."""

    why: Annotated[str, Field(min_length=1, max_length=MAX_WHY, examples=["Nobody asks that."])]
    seen: Annotated[CaseStatusWord | None, Field(examples=[None])] = None


class Retirement(Given):
    """Why a case goes out of use, or comes back."""

    why: Why = ""


class Case(Shown):
    """A golden case. A retired one is out of use, but still what earlier results were measured on."""

    id: Id
    skill_id: Id
    key: Annotated[str, Field(examples=["case-1"])]
    input: Annotated[str, Field(examples=["How heavy is a litre of water?"])]
    expected: Annotated[str, Field(examples=["1 kg"])]
    assertions: list[str]
    checks: list[dict[str, Any]]
    files: Annotated[dict[str, str], Field(description="Texts given to the model after the input, by path.")]
    family: str | None
    case_set: str | None
    source: Annotated[
        str,
        Field(
            description="file, training_example, written, drafted, production, disagreement or ad_hoc.",
            examples=["written"],
        ),
    ]
    status: Annotated[str, Field(description="pending, accepted or rejected.", examples=["accepted"])]
    author: str | None
    created_at: Moment
    decided_at: Moment | None
    retired_at: Moment | None


class CaseCounts(Shown):
    """A skill's cases by status; retired ones are in no other count."""

    pending: Count
    accepted: Count
    rejected: Count
    retired: Count


class CasePage(Page[Case]):
    """Some of a skill's cases, and how many there are."""

    counts: CaseCounts


class CaseChange(Shown):
    """One change of a case: who did what, when and why. Digests are of the case's text, null where it had none."""

    seq: Annotated[int, Field(description="It grows with time.", examples=[17])]
    case_id: Id | None
    feedback_id: Id | None
    previous_case_id: Annotated[Id | None, Field(description="What an edited case was before.")]
    case_key: str
    source: str
    change: Annotated[
        str,
        Field(description="proposed, added, edited, accepted, rejected, retired or restored.", examples=["accepted"]),
    ]
    who: str
    who_id: Annotated[Id | None, Field(description="Of the member or API key of that name: names can be given again.")]
    why: str
    digest_before: str | None
    digest_after: str | None
    changed_at: Moment


class CaseHistory(Shown):
    """The changes of one case, the oldest first."""

    items: list[CaseChange]


def shown(entry: CaseEntry) -> Case:
    """The document of a case."""
    case = entry.case
    return Case(
        id=entry.id,
        skill_id=entry.skill_id,
        key=case.case_id,
        input=case.input,
        expected=case.expected,
        assertions=list(case.assertions),
        checks=[check.to_json() for check in case.checks],
        files=dict(case.files),
        family=case.family,
        case_set=case.case_set,
        source=case.source.value,
        status=entry.status.value,
        author=entry.author,
        created_at=entry.created_at,
        decided_at=entry.decided_at,
        retired_at=entry.retired_at,
    )


async def case_of(bench: Workbench, tenant_id: UUID, case_id: UUID) -> Case:
    """The document of the case of that id. Raises NotFound."""
    return shown(await bench.cases.get(tenant_id, case_id))


def status_of(word: str | None) -> CaseStatus | None:
    """The status that was seen."""
    return None if word is None else CaseStatus(word)


@operation("GET", "/v1/skills/{skill}/cases", answers=CasePage)
async def list_cases(
    bench: Bench,
    tenant: Tenant,
    skill: SkillRef,
    status: Annotated[
        Literal["pending", "accepted", "rejected", "retired"] | None, Query(description="Absent: all in use.")
    ] = None,
    after: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> CasePage:
    """A skill's golden cases, the oldest first."""
    row = await bench.catalogue.find(tenant, skill)
    retired = status == "retired"
    entries, token = await bench.cases.after(
        tenant, row.id, status=None if retired else status_of(status), retired=retired, after=after, limit=limit
    )
    counts = await bench.cases.counts(tenant, row.id)
    return CasePage(items=[shown(one) for one in entries], next=token, counts=CaseCounts.of(counts))


@operation(
    "POST", "/v1/skills/{skill}/cases", answers=Case, status=201, again=case_of, at="/v1/cases/{id}", errors=(409,)
)
async def create_case(
    bench: Bench, tenant: Tenant, who: Who, skill: SkillRef, body: Annotated[NewCase, Depends(json_of(NewCase))]
) -> Case:
    """Add a golden case, or propose one: from a key that may not decide on cases it waits, with the status pending.

    409 where the same is in use, or its key is taken.
    """
    row = await bench.catalogue.find(tenant, skill)
    put = bench.cases.add if who.may(Action.DECIDE_CASES) and not body.propose else bench.cases.propose
    return shown(await put(tenant, row.id, body.draft(), author=who_of(who), why=body.why))


@operation("GET", "/v1/skills/{skill}/case-history", answers=Page[CaseChange])
async def list_case_changes(
    bench: Bench, tenant: Tenant, skill: SkillRef, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[CaseChange]:
    """What was done to a skill's golden cases, the newest first."""
    row = await bench.catalogue.find(tenant, skill)
    found = await bench.cases.history(tenant, row.id, before=_place(after), limit=limit + 1)
    token = write_token([found[limit - 1].seq]) if len(found) > limit else None
    return Page[CaseChange](items=[CaseChange.of(one) for one in found[:limit]], next=token)


@operation("GET", "/v1/cases/{case_id}", answers=Case)
async def get_case(bench: Bench, tenant: Tenant, case_id: CaseId) -> Case:
    """One golden case, retired or not."""
    return await case_of(bench, tenant, case_id)


@operation("PATCH", "/v1/cases/{case_id}", answers=Case, errors=(409,))
async def edit_case(
    bench: Bench, tenant: Tenant, who: Who, case_id: CaseId, body: Annotated[CaseEdit, Depends(json_of(CaseEdit))]
) -> Case:
    """Edit a golden case. Where anything changes it gets a new id: results keep the case they were measured on.

    Only a key that may decide on cases accepts one, or changes an accepted one.

    409 where it was decided on since, is out of use, or is the same as another.
    """
    entry = await bench.cases.get(tenant, case_id)
    edited = await bench.cases.edit(
        tenant,
        case_id,
        body.draft(entry),
        author=who_of(who),
        why=body.why,
        accept=body.accept,
        decides=who.may(Action.DECIDE_CASES),
        seen=status_of(body.seen),
    )
    return shown(edited)


@operation("GET", "/v1/cases/{case_id}/history", answers=CaseHistory)
async def get_case_history(bench: Bench, tenant: Tenant, case_id: CaseId) -> CaseHistory:
    """Every change of a case, of what it was and became by being edited too."""
    await bench.cases.get(tenant, case_id)
    return CaseHistory(items=[CaseChange.of(one) for one in await bench.cases.changes(tenant, case_id)])


@operation("POST", "/v1/cases/{case_id}/accept", answers=Case, errors=(409,))
async def accept_case(
    bench: Bench, tenant: Tenant, who: Who, case_id: CaseId, body: Annotated[Decision, Depends(json_of(Decision))]
) -> Case:
    """From now on runs use it.

    409 where it was decided on since, is out of use, or its key is taken.
    """
    entry = await bench.cases.accept(tenant, case_id, who=who_of(who), why=body.why, seen=status_of(body.seen))
    return shown(entry)


@operation("POST", "/v1/cases/{case_id}/reject", answers=Case, errors=(409,))
async def reject_case(
    bench: Bench, tenant: Tenant, who: Who, case_id: CaseId, body: Annotated[Rejection, Depends(json_of(Rejection))]
) -> Case:
    """No run uses it, even when its folder is added again."""
    entry = await bench.cases.reject(tenant, case_id, why=body.why, who=who_of(who), seen=status_of(body.seen))
    return shown(entry)


@operation("POST", "/v1/cases/{case_id}/retire", answers=Case)
async def retire_case(
    bench: Bench, tenant: Tenant, who: Who, case_id: CaseId, body: Annotated[Retirement, Depends(json_of(Retirement))]
) -> Case:
    """Take it out of use; results that were measured on it keep it."""
    return shown(await bench.cases.retire(tenant, case_id, who=who_of(who), why=body.why))


@operation("POST", "/v1/cases/{case_id}/restore", answers=Case, errors=(409,))
async def restore_case(
    bench: Bench, tenant: Tenant, who: Who, case_id: CaseId, body: Annotated[Retirement, Depends(json_of(Retirement))]
) -> Case:
    """Bring a retired case back as it was. 409 where the same is in use."""
    return shown(await bench.cases.restore(tenant, case_id, who=who_of(who), why=body.why))


def _place(after: str | None) -> int | None:
    if after is None:
        return None
    try:
        (seq,) = read_token(after, 1)
    except ValueError as error:
        raise no_such_page() from error
    if type(seq) is not int or not 0 <= seq < 2**63:
        raise no_such_page()
    return seq
