"""Two tenants that look alike, each with a row in every table, and a word that stands in all that is one's own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID, uuid4

import httpx

from steelyard.domain.access import Role, Scope
from steelyard.domain.actors import Actor, ActorKind, acting_as
from steelyard.domain.cases import By, GoldenCase
from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.domain.grading import Judgement
from steelyard.domain.once import Reservation
from steelyard.domain.openid import Claims
from steelyard.domain.reviews import Review, ReviewEdit, ReviewScore
from steelyard.domain.skills import SkillContent
from steelyard.domain.spending import SpendKind, TenantBudget
from steelyard.intake.otlp import Marks
from steelyard.services.api_keys import MadeKey
from steelyard.services.case_text import CaseDraft
from steelyard.services.provider_prices import NewPrice
from steelyard.storage import (
    canaries,
    claims,
    deliveries,
    identities,
    looks,
    marks,
    memberships,
    notices,
    once,
    one_time_links,
    pair_comparisons,
    ratings,
    results,
    seen_spans,
    spending,
    tie_breaks,
    users,
)
from steelyard.storage.case_drafts import insert_drafts
from steelyard.storage.case_queue import decide_output
from steelyard.storage.database import Connection
from steelyard.storage.notices import FoundRow
from steelyard.storage.results import GradeWrite
from steelyard.storage.reviews import complete_review, insert_review
from steelyard.storage.spending import Account, Asked, Payment
from steelyard.storage.tenants import ensure_tenant
from tests.integration.web.made import NOW, MadeModel, cases, content, made_run, made_skill
from tests.integration.web.teams import PASSWORD, Browser, TeamSite, team_site_of

JUDGE = "anthropic:claude-sonnet-5"
# So good that all answers get 100 points: a tie.
MODELS = (MadeModel("openai:a", 400), MadeModel("openai:b", 400))
SHARED_KEY = "the same key in both"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX = re.compile(r"[0-9a-f]{12,}")
_SHOWN_OF_AN_ID = (8, 12)


@dataclass(frozen=True)
class Person:
    """A user who signs in with PASSWORD."""

    id: UUID
    email: str
    name: str


@dataclass(frozen=True)
class SkillOf:
    """A skill with all there is about one. `ids` are by what they are of."""

    name: str
    id: UUID
    ids: Mapping[str, str]

    @property
    def run(self) -> UUID:
        return UUID(self.ids["run"])


@dataclass
class Twin:
    """One of the two. `alike` is a skill that the other has just so, `own` one that only this one has."""

    tenant_id: UUID
    word: str
    people: Mapping[Role, Person]
    alike: SkillOf
    own: SkillOf
    ids: dict[str, str] = field(default_factory=dict[str, str])
    keys: dict[Scope, MadeKey] = field(default_factory=dict[Scope, MadeKey])

    @property
    def skills(self) -> tuple[SkillOf, SkillOf]:
        return self.alike, self.own


@dataclass
class Twins:
    """A team's site with both."""

    site: TeamSite
    a: Twin
    b: Twin

    async def browser(self, twin: Twin, role: Role = Role.ADMIN) -> Browser:
        """The browser of a member who has signed in."""
        browser = self.site.browser()
        answer = await browser.sign_in(twin.people[role].email)
        assert answer.status_code == 303, answer.text
        return browser

    def program(self, twin: Twin, scope: Scope) -> httpx.AsyncClient:
        """What sends requests with a key of the tenant."""
        client = self.site.browser().client
        client.headers["authorization"] = f"Bearer {twin.keys[scope].text}"
        return client


@dataclass(frozen=True)
class Secrets:
    """What of one tenant no answer to another may have in it: its word, its ids and digests, and how they are cut."""

    word: str
    tokens: frozenset[str]

    @classmethod
    def of(cls, word: str, mine: Iterable[str], others: Iterable[str]) -> Secrets:
        """`mine` and `others` are rows as text; what both have tells nothing."""
        return cls(word, frozenset(_tokens(mine)) - frozenset(_tokens(others)))

    def told_by(self, answer: httpx.Response) -> list[str]:
        """What the answer tells of them beyond what it was asked with."""
        request = answer.request
        body = request.content.decode("utf-8", "replace")
        asked = "\n".join(map(unquote_plus, (str(request.url), str(request.headers), body))).lower()
        said = f"{answer.headers}\n{answer.text}".lower()
        ids = {match[0] for match in _ID.finditer(said)}
        words = {match[0] for match in re.finditer(r"[0-9a-f]{8,}", said)}
        told = [token for token in (ids | words) & self.tokens if token not in asked]
        # The word may be part of an address that was asked for: then what came back is looked at without that.
        for part in sorted(set(re.findall(rf"[\w@.-]*{self.word}[\w@.-]*", asked)), key=len, reverse=True):
            assert part != self.word, "asked with the word itself, an answer would be taken for an echo"
            said = said.replace(part, "")
        return [*told, *([self.word] if self.word in said else [])]


def _tokens(rows: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for row in rows:
        text = row.lower()
        for match in _ID.finditer(text):
            found |= {match[0], *(match[0].replace("-", "")[:length] for length in _SHOWN_OF_AN_ID)}
        # An id's own groups are no digests.
        for match in _HEX.finditer(_ID.sub(" ", text)):
            found |= {match[0], *(match[0][:length] for length in _SHOWN_OF_AN_ID)}
    return found


@asynccontextmanager
async def twins_of(home: Path) -> AsyncGenerator[Twins]:
    """Both on one site, on which the server's providers are everybody's."""
    env = {"ANTHROPIC_API_KEY": "test", "OPENAI_API_KEY": "test"}
    async with team_site_of(home, uuid4(), env=env, shared=True) as site:
        a, b = await made_twin(site, f"alfa{uuid4().hex[:8]}"), await made_twin(site, f"bravo{uuid4().hex[:8]}")
        yield Twins(site, a, b)


async def made_twin(site: TeamSite, word: str) -> Twin:
    """A tenant with a row in every table."""
    bench, tenant_id = site.workbench, uuid4()
    people: dict[Role, Person] = {}
    async with bench.database.tenant(tenant_id) as connection:
        await ensure_tenant(connection, tenant_id, f"Works {word}")
        for role in Role:
            name, email = f"{role.value}-{word}", f"{role.value}@{word}.example.org"
            user_id = await users.add_user(connection, email, name, f"quick:{PASSWORD}")
            await memberships.add_membership(connection, tenant_id, user_id, role)
            people[role] = Person(user_id, email, name)
    admin = people[Role.ADMIN]
    with acting_as(Actor(ActorKind.MEMBER, admin.name, admin.id)):
        alike = await _filled(site, tenant_id, word, content("weigh"), cases(12))
        body = f"Weigh it for {word}.\n"
        golden = [replace(case, input=f"{case.input} {word}", expected=f"{case.expected} {word}") for case in cases(12)]
        own = await _filled(site, tenant_id, word, content(f"weigh-{word}", body, f"Weighs {word}."), golden)
        twin = Twin(tenant_id, word, people, alike, own)
        await _fill_tenant(site, twin)
        await _fill_users(site, twin)
    return twin


async def _filled(site: TeamSite, tenant_id: UUID, word: str, skill: SkillContent, golden: list[GoldenCase]) -> SkillOf:
    """A skill whose own text and cases are as they are given, and all else of which has the word in it."""
    bench, ids = site.workbench, dict[str, str]()
    skill_id = await made_skill(bench, tenant_id, skill, golden)
    earlier = await made_run(bench, tenant_id, skill_id, MODELS, at=NOW - timedelta(days=2), seed=2)
    run_id = await made_run(bench, tenant_id, skill_id, MODELS, judge=JUDGE)
    running = await made_run(bench, tenant_id, skill_id, MODELS, judge=None, judge_digest=None, unfinished=0.5, seed=3)
    proposed = await bench.cases.propose(
        tenant_id, skill_id, CaseDraft("How heavy is all of it?", f"1 kg {word}"), author=f"ada-{word}", why=word
    )
    retired = await bench.cases.add(tenant_id, skill_id, CaseDraft("How heavy was it?", f"2 kg {word}"), why=word)
    await bench.cases.retire(tenant_id, retired.id, why=word)
    example = await bench.feedback.add(
        tenant_id,
        skill_id,
        Feedback(
            FeedbackType.TRAINING_EXAMPLE, example_input=f"in {word}", expected_output=f"out {word}", comment=word
        ),
    )
    use = await bench.feedback.add(
        tenant_id,
        skill_id,
        Feedback(FeedbackType.THUMB_DOWN, example_input=f"used {word}", example_output=f"bad {word}", comment=word),
    )
    suggestion = await bench.suggestions.add(
        tenant_id, skill_id, title=f"Say the unit {word}", body=word, author=f"ada-{word}"
    )
    for said in ({"kind": "thumb_up", "comment": word}, {"kind": "suggestion", "title": f"Weigh twice {word}"}):
        # The ids are made of the keys, which are the same of both tenants.
        await bench.opinions.take(tenant_id, {"key": SHARED_KEY, "skill": skill.name, "author": word, **said})
    now = datetime.now(UTC)
    use_of = {"skill": skill.name, "model": "openai:a", "measured_at": now.isoformat(), "input_tokens": 7}
    taken = await bench.intake.take(
        tenant_id,
        [
            {**use_of, "key": f"{SHARED_KEY} of {skill.name}", "output_tokens": 3, "source": word},
            {**use_of, "key": SHARED_KEY, "skill": f"nobody-{word}", "output_tokens": 3},
        ],
    )
    assert taken.refused == (), taken
    draft_version = await bench.draft_versions.keep(
        tenant_id, skill_id, text=f"{skill.body} Twice, for {word}.", who=f"ada-{word}", why=word
    )
    version = (await bench.catalogue.find(tenant_id, str(skill_id))).version_id
    async with bench.database.tenant(tenant_id) as connection:
        # So that it calls for what other runs have been answered.
        await connection.execute("UPDATE benchmark_runs SET fresh = true WHERE id = %s", (running,))
        found = await _fill_runs(connection, tenant_id, word, run_id, skill_id, version)
        found |= await _fill_jobs(connection, tenant_id, word, run_id, skill_id, version)
        at = datetime.now(UTC)
        await notices.keep_found(
            connection, tenant_id, [FoundRow(skill_id, "age", run_id, f"Old, says {word}.", at)], (), at
        )
    await bench.staleness.set_limit(tenant_id, "40", skill_id)
    case = next(one for one in await bench.cases.list(tenant_id, skill_id) if one.case.case_id == "case-0")
    ids |= {name: str(value) for name, value in found.items()}
    ids |= {
        "run": str(run_id),
        "earlier": str(earlier),
        "running": str(running),
        "case": str(case.id),
        "proposed": str(proposed.id),
        "retired": str(retired.id),
        "example": str(example.id),
        "use": str(use.id),
        "suggestion": str(suggestion),
        "version": str(version),
        "draft version": str(draft_version),
        "draft digest": (await bench.versions.get(tenant_id, draft_version)).digest,
        "digest": (await bench.versions.get(tenant_id, version)).digest,
    }
    return SkillOf(skill.name, skill_id, ids)


async def _fill_runs(
    connection: Connection, tenant_id: UUID, word: str, run_id: UUID, skill_id: UUID, version: UUID
) -> dict[str, UUID]:
    """The answers get the word, as do the judgement, the ratings and all that is kept of a judge."""
    await connection.execute(
        """UPDATE benchmark_results SET output_produced = output_produced || ' ' || %s, quality_notes = %s
            WHERE output_produced IS NOT NULL AND output_produced NOT LIKE %s""",
        (word, word, f"%{word}%"),
    )
    cursor = await connection.execute(
        "SELECT id FROM benchmark_results WHERE benchmark_run_id = %s ORDER BY test_case_index, model_name LIMIT 3",
        (run_id,),
    )
    judged, rated, decided = [row["id"] for row in await cursor.fetchall()]
    judgement = Judgement(JUDGE, f"judge of {word}", 100.0, (), f"None, says {word}.", "yes", word)
    await results.write_grades(
        connection, tenant_id, [GradeWrite(judged, f"grading {word}", "judged", 100.0, True, judgement=judgement)]
    )
    for result in (judged, rated):
        await ratings.put_rating(
            connection, tenant_id, run_id, result, f"ann-{word}", score=1, note=word, drawn=True, blind=True
        )
    await decide_output(connection, tenant_id, decided, By(f"ann-{word}", f"No, says {word}."), None)
    reply = {"output": f"{{}} {word}", "stop_reason": "stop"}
    canary = canaries.CanaryCall(reply, 1, 1, 1, True, None, None)
    place = canaries.CanaryPlace(skill_id, "judge", "canary")
    await canaries.record_call(connection, tenant_id, place, uuid4(), canary, kind="empty", judge=JUDGE, anew=True)
    pair = pair_comparisons.PairCall(reply, 1, 1, 1, True, None, None)
    pair_place = pair_comparisons.PairPlace(skill_id, "judge", "comparison")
    await pair_comparisons.record_call(connection, tenant_id, pair_place, uuid4(), pair, judge=JUDGE, anew=True)
    worker = claims.new_worker_key()
    await claims.take_claims(connection, tenant_id, run_id, [f"cell of {skill_id}"], worker)
    await marks.leave_mark(connection, tenant_id, worker, 1)
    await looks.take(connection, tenant_id, version, "comparison", "cases")
    return {"result": judged, "rated": rated}


async def _fill_jobs(
    connection: Connection, tenant_id: UUID, word: str, run_id: UUID, skill_id: UUID, version: UUID
) -> dict[str, UUID]:
    """A review that is done, and a review, drafts and a tie-break that wait."""
    wish: dict[str, Any] = {"skill_id": skill_id, "skill_version_id": version, "model": "openai:a", "protocol": "p"}
    review = await insert_review(connection, tenant_id, **wish, requested_by=f"ada-{word}")
    edit = ReviewEdit("SKILL.md", "Weigh it", f"Weigh it twice, {word}", word)
    score = ReviewScore("clear", 4, f"Clear, says {word}.")
    await complete_review(connection, review, Review(f"Good, says {word}.", (score,), (word,), (word,), (edit,)))
    return {
        "review": review,
        "waiting review": await insert_review(connection, tenant_id, **wish, requested_by=f"ada-{word}"),
        "drafts": await insert_drafts(
            connection, tenant_id, **wish, requested_by=f"ada-{word}", wanted=8, budget_microcents=None
        ),
        "tie-break": await tie_breaks.insert_tie_break(
            connection,
            tenant_id,
            run_id=run_id,
            models=[model.text for model in MODELS],
            judge=JUDGE,
            judge_digest="judge",
            budget_microcents=None,
            requested_by=f"ada-{word}",
        ),
    }


async def _fill_tenant(site: TeamSite, twin: Twin) -> None:
    """What is of the tenant and of no skill."""
    bench, tenant_id, word = site.workbench, twin.tenant_id, twin.word
    for scope in Scope:
        twin.keys[scope] = await bench.api_keys.make(tenant_id, f"a program of {word}", [scope], a_minute="1000000")
    await bench.members.invite(tenant_id, f"new@{word}.example.org", Role.VIEWER)
    await bench.tenant_providers.put(tenant_id, "theirs", "anthropic", None, f"sk-{word}-{'x' * 20}")
    await bench.tenant_providers.put(tenant_id, f"of-{word}", "anthropic", None, f"sk-{word}-{'y' * 20}")
    for provider in ("theirs", f"of-{word}"):
        await bench.provider_prices.put(tenant_id, NewPrice(f"{provider}:model-{word}", 20_000_000, 60_000_000))
    await bench.notices.set_recipients(tenant_id, [f"told@{word}.example.org"])
    now = datetime.now(UTC)
    async with bench.database.tenant(tenant_id) as connection:
        await deliveries.put_webhook(connection, tenant_id, f"https://{word}.example/", word.encode(), "0123abcd")
        await deliveries.add_delivery(connection, tenant_id, "webhook", "steelyard.test", {"text": word}, now)
        await connection.execute(
            "UPDATE deliveries SET next_at = %s, last_status = %s", (now + timedelta(days=9), f"refused by {word}")
        )
        await seen_spans.claim_calls(connection, tenant_id, [Marks(uuid4(), uuid4(), ())])
        for key in twin.keys.values():
            mine = Reservation(f"key:{key.id}", SHARED_KEY, uuid4())
            lasts: dict[str, Any] = {"now": now, "kept_for": timedelta(days=1), "lease": timedelta(minutes=1)}
            await once.reserve(connection, tenant_id, mine, "d", **lasts)
            await once.keep_answer(connection, mine, 201, word.encode(), None)
        await spending.set_budget(connection, tenant_id, TenantBudget(10**12, refuse_unpriced=False))
        await spending.ask(connection, tenant_id, uuid4(), [Asked(uuid4(), 1)])
        admin = twin.people[Role.ADMIN]
        account = Account(tenant_id, twin.own.id, Actor(ActorKind.MEMBER, admin.name, admin.id))
        await spending.pay(connection, tenant_id, [Payment(account, SpendKind.ANSWERS, f"openai:{word}", 1)])
        end = now + timedelta(days=1)
        await one_time_links.add_setup(connection, tenant_id, hashlib.sha256(word.encode()).digest(), end)
    (invitation,) = await bench.members.invitations(tenant_id)
    await bench.queue.defer_review(tenant_id, UUID(twin.own.ids["waiting review"]))
    await bench.queue.defer(tenant_id, UUID(twin.own.ids["running"]), [(0, 0)])
    twin.ids |= {"invitation": str(invitation.id), "key": str(twin.keys[Scope.READ].id), "provider": f"of-{word}"}
    twin.ids["price"] = f"of-{word}:model-{word}"


async def _fill_users(site: TeamSite, twin: Twin) -> None:
    """A session and an identity of the admin."""
    database, admin = site.workbench.database, twin.people[Role.ADMIN]
    await site.browser().sign_in(admin.email)
    (session,) = await site.workbench.sign_in.sessions(admin.id)
    async with database.outside() as connection:
        await identities.connect(connection, admin.id, Claims("https://issuer.example", twin.word, admin.email))
    (identity,) = await identities.list_identities(database, admin.id)
    twin.ids |= {"session": str(session.id), "user": str(admin.id), "identity": str(identity.id)}
