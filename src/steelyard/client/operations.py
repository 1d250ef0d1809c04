"""The operations of the API, each as a method of its name.

Made by `make client` from the API's document; not edited by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

from steelyard.client.paths import filled

if TYPE_CHECKING:
    from steelyard.client import documents


class Operations:
    """What is sent by `send`, which a client has."""

    def send(
        self,
        method: str,
        path: str,
        *,
        template: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        once: bool = False,
        key: str | None = None,
    ) -> Any:
        """Send a request and return its answer, None without one. Raises SteelyardError."""
        raise NotImplementedError

    def list_skills(
        self,
        *,
        q: str | None = None,
        sort: Literal["name", "quality", "cost", "feedback", "benchmarked"] | None = None,
        descending: bool | None = None,
        state: Literal["never", "stale"] | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> documents.SkillPage:
        """The skills, sorted by name unless asked otherwise.

        Skills without a value in the sorted column come last in either direction.
        """
        return cast(
            "documents.SkillPage",
            self.send(
                "GET",
                "/v1/skills",
                template="/v1/skills",
                query={"q": q, "sort": sort, "descending": descending, "state": state, "after": after, "limit": limit},
            ),
        )

    def every_skills(
        self,
        *,
        q: str | None = None,
        sort: Literal["name", "quality", "cost", "feedback", "benchmarked"] | None = None,
        descending: bool | None = None,
        state: Literal["never", "stale"] | None = None,
        limit: int | None = None,
    ) -> Iterator[documents.Skill]:
        """Each one that `list_skills` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_skills(q=q, sort=sort, descending=descending, state=state, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def create_skill(
        self, body: documents.NewSkill | bytes, *, name: str | None = None, idempotency_key: str | None = None
    ) -> documents.Skill:
        """Add a skill with the golden cases of its folder.

        As JSON, or as a zip of its folder. Its cases are accepted: they are part of it. A name that is taken is
        refused: send it as a new version of that skill. `name` is for a zip that names itself nowhere.
        """
        return cast(
            "documents.Skill",
            self.send(
                "POST",
                "/v1/skills",
                template="/v1/skills",
                query={"name": name},
                body=body,
                once=True,
                key=idempotency_key,
            ),
        )

    def get_skill(self, skill: str) -> documents.Skill:
        """One skill with its standing."""
        return cast(
            "documents.Skill",
            self.send("GET", filled("/v1/skills/{skill}", skill=skill), template="/v1/skills/{skill}"),
        )

    def delete_skill(self, skill: str) -> documents.Belongings:
        """Delete a skill with its versions, cases, runs, uses and feedback, for good.

        Refused with 409 while a run, review, tie-break or drafting of it goes on, and with 403 where somebody
        decided by hand on a case of it and the sender may not.
        """
        return cast(
            "documents.Belongings",
            self.send("DELETE", filled("/v1/skills/{skill}", skill=skill), template="/v1/skills/{skill}"),
        )

    def lint_skill(self, body: documents.NewSkill | bytes, *, name: str | None = None) -> documents.Lint:
        """What the linter says of a skill, and what adding it would do. Keeps nothing."""
        return cast(
            "documents.Lint", self.send("POST", "/v1/lint", template="/v1/lint", query={"name": name}, body=body)
        )

    def list_versions(self, skill: str, *, after: str | None = None, limit: int | None = None) -> documents.VersionPage:
        """A skill's versions and drafts, the newest first."""
        return cast(
            "documents.VersionPage",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/versions", skill=skill),
                template="/v1/skills/{skill}/versions",
                query={"after": after, "limit": limit},
            ),
        )

    def every_versions(self, skill: str, *, limit: int | None = None) -> Iterator[documents.Version]:
        """Each one that `list_versions` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_versions(skill, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def create_version(
        self, skill: str, body: documents.NewSkill | bytes, *, idempotency_key: str | None = None
    ) -> documents.VersionDetail:
        """Add a new version of a skill and put it in use, with the golden cases of its folder.

        It has to name itself as the skill does. An earlier text becomes that version again. Cases of the folder
        that are not among those sent are retired; without any file of cases all stay. What an admin decided on
        one of them by hand stays where the key may not decide: another text of it waits.
        """
        return cast(
            "documents.VersionDetail",
            self.send(
                "POST",
                filled("/v1/skills/{skill}/versions", skill=skill),
                template="/v1/skills/{skill}/versions",
                body=body,
                once=True,
                key=idempotency_key,
            ),
        )

    def create_draft_version(
        self, skill: str, body: documents.NewDraft | None = None, *, idempotency_key: str | None = None
    ) -> documents.VersionDetail:
        """Keep an edit as a draft beside the version in use, to be benchmarked first.

        Refused with 409 where its text is a version already.
        """
        return cast(
            "documents.VersionDetail",
            self.send(
                "POST",
                filled("/v1/skills/{skill}/versions/draft", skill=skill),
                template="/v1/skills/{skill}/versions/draft",
                body=body,
                once=True,
                key=idempotency_key,
            ),
        )

    def get_version(self, skill: str, version: str) -> documents.VersionDetail:
        """One version: its prompt, its files without their contents, and what the linter says."""
        return cast(
            "documents.VersionDetail",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/versions/{version}", skill=skill, version=version),
                template="/v1/skills/{skill}/versions/{version}",
            ),
        )

    def get_version_file(self, skill: str, version: str, *, path: str) -> documents.FileContent:
        """One file of a version."""
        return cast(
            "documents.FileContent",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/versions/{version}/file", skill=skill, version=version),
                template="/v1/skills/{skill}/versions/{version}/file",
                query={"path": path},
            ),
        )

    def get_version_changes(self, skill: str, version: str, *, since: str) -> documents.Changes:
        """What changed from another version of the skill to this one."""
        return cast(
            "documents.Changes",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/versions/{version}/changes", skill=skill, version=version),
                template="/v1/skills/{skill}/versions/{version}/changes",
                query={"since": since},
            ),
        )

    def make_version_current(self, skill: str, version: str) -> documents.VersionDetail:
        """Put a version in use, a draft or an earlier one. Golden cases stay as they are."""
        return cast(
            "documents.VersionDetail",
            self.send(
                "POST",
                filled("/v1/skills/{skill}/versions/{version}/current", skill=skill, version=version),
                template="/v1/skills/{skill}/versions/{version}/current",
            ),
        )

    def discard_draft_version(self, skill: str, version: str) -> documents.VersionDetail:
        """Put a draft aside; its runs and their answers stay."""
        return cast(
            "documents.VersionDetail",
            self.send(
                "POST",
                filled("/v1/skills/{skill}/versions/{version}/discard", skill=skill, version=version),
                template="/v1/skills/{skill}/versions/{version}/discard",
            ),
        )

    def get_verdict(self, skill: str) -> documents.Run:
        """The report of the skill's last benchmark of record: its verdict and the comparison of its models.

        404 before there is one.
        """
        return cast(
            "documents.Run",
            self.send("GET", filled("/v1/skills/{skill}/verdict", skill=skill), template="/v1/skills/{skill}/verdict"),
        )

    def get_stats(self, skill: str) -> documents.Stats:
        """What a skill costs and takes in use, how good it is and what users say, with trends of 14 days."""
        return cast(
            "documents.Stats",
            self.send("GET", filled("/v1/skills/{skill}/stats", skill=skill), template="/v1/skills/{skill}/stats"),
        )

    def get_quality_history(self, skill: str, *, days: int | None = None) -> documents.QualityHistory:
        """Every model's quality in the completed runs of record, oldest first; at most the newest 365 runs."""
        return cast(
            "documents.QualityHistory",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/quality", skill=skill),
                template="/v1/skills/{skill}/quality",
                query={"days": days},
            ),
        )

    def get_cost_trend(self, skill: str, *, days: int | None = None) -> documents.CostTrend:
        """What a skill's use cost on each UTC day, today last, and what changed it from one half to the other."""
        return cast(
            "documents.CostTrend",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/cost-trend", skill=skill),
                template="/v1/skills/{skill}/cost-trend",
                query={"days": days},
            ),
        )

    def get_production(self, skill: str, *, days: int | None = None) -> documents.Production:
        """The benchmark beside production: what each model would cost a month at the traffic there is.

        `days` is the span of the trend alone.
        """
        return cast(
            "documents.Production",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/production", skill=skill),
                template="/v1/skills/{skill}/production",
                query={"days": days},
            ),
        )

    def list_stale(self, *, after: str | None = None, limit: int | None = None) -> documents.StaleSkills:
        """Stale skills by name, with what speaks against their benchmarks and what testing again would take."""
        return cast(
            "documents.StaleSkills",
            self.send("GET", "/v1/stale", template="/v1/stale", query={"after": after, "limit": limit}),
        )

    def every_stale(self, *, limit: int | None = None) -> Iterator[documents.SkillStaleness]:
        """Each one that `list_stale` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_stale(limit=limit, after=after)
            yield from page["skills"]
            after = page["next"]
            if after is None:
                return

    def get_staleness(self, skill: str) -> documents.Staleness:
        """How one skill's benchmark stands: never, fresh or stale, with every cause."""
        return cast(
            "documents.Staleness",
            self.send(
                "GET", filled("/v1/skills/{skill}/staleness", skill=skill), template="/v1/skills/{skill}/staleness"
            ),
        )

    def set_age_limit_of_skill(self, skill: str, body: documents.AgeLimit) -> documents.Staleness:
        """Set after how many days this skill's benchmark is too old; null takes the tenant's."""
        return cast(
            "documents.Staleness",
            self.send(
                "PUT",
                filled("/v1/skills/{skill}/staleness/limit", skill=skill),
                template="/v1/skills/{skill}/staleness/limit",
                body=body,
            ),
        )

    def list_cases(
        self,
        skill: str,
        *,
        status: Literal["pending", "accepted", "rejected", "retired"] | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> documents.CasePage:
        """A skill's golden cases, the oldest first."""
        return cast(
            "documents.CasePage",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/cases", skill=skill),
                template="/v1/skills/{skill}/cases",
                query={"status": status, "after": after, "limit": limit},
            ),
        )

    def every_cases(
        self,
        skill: str,
        *,
        status: Literal["pending", "accepted", "rejected", "retired"] | None = None,
        limit: int | None = None,
    ) -> Iterator[documents.Case]:
        """Each one that `list_cases` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_cases(skill, status=status, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def create_case(self, skill: str, body: documents.NewCase, *, idempotency_key: str | None = None) -> documents.Case:
        """Add a golden case, or propose one: from a key that may not decide on cases it waits, with the status
        pending.

        409 where the same is in use, or its key is taken.
        """
        return cast(
            "documents.Case",
            self.send(
                "POST",
                filled("/v1/skills/{skill}/cases", skill=skill),
                template="/v1/skills/{skill}/cases",
                body=body,
                once=True,
                key=idempotency_key,
            ),
        )

    def list_case_changes(
        self, skill: str, *, after: str | None = None, limit: int | None = None
    ) -> documents.CaseChangePage:
        """What was done to a skill's golden cases, the newest first."""
        return cast(
            "documents.CaseChangePage",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/case-history", skill=skill),
                template="/v1/skills/{skill}/case-history",
                query={"after": after, "limit": limit},
            ),
        )

    def every_case_changes(self, skill: str, *, limit: int | None = None) -> Iterator[documents.CaseChange]:
        """Each one that `list_case_changes` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_case_changes(skill, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def get_case(self, case_id: str) -> documents.Case:
        """One golden case, retired or not."""
        return cast(
            "documents.Case",
            self.send("GET", filled("/v1/cases/{case_id}", case_id=case_id), template="/v1/cases/{case_id}"),
        )

    def edit_case(self, case_id: str, body: documents.CaseEdit | None = None) -> documents.Case:
        """Edit a golden case. Where anything changes it gets a new id: results keep the case they were measured
        on.

        Only a key that may decide on cases accepts one, or changes an accepted one.

        409 where it was decided on since, is out of use, or is the same as another.
        """
        return cast(
            "documents.Case",
            self.send(
                "PATCH", filled("/v1/cases/{case_id}", case_id=case_id), template="/v1/cases/{case_id}", body=body
            ),
        )

    def get_case_history(self, case_id: str) -> documents.CaseHistory:
        """Every change of a case, of what it was and became by being edited too."""
        return cast(
            "documents.CaseHistory",
            self.send(
                "GET", filled("/v1/cases/{case_id}/history", case_id=case_id), template="/v1/cases/{case_id}/history"
            ),
        )

    def accept_case(self, case_id: str, body: documents.Decision | None = None) -> documents.Case:
        """From now on runs use it.

        409 where it was decided on since, is out of use, or its key is taken.
        """
        return cast(
            "documents.Case",
            self.send(
                "POST",
                filled("/v1/cases/{case_id}/accept", case_id=case_id),
                template="/v1/cases/{case_id}/accept",
                body=body,
            ),
        )

    def reject_case(self, case_id: str, body: documents.Rejection) -> documents.Case:
        """No run uses it, even when its folder is added again."""
        return cast(
            "documents.Case",
            self.send(
                "POST",
                filled("/v1/cases/{case_id}/reject", case_id=case_id),
                template="/v1/cases/{case_id}/reject",
                body=body,
            ),
        )

    def retire_case(self, case_id: str, body: documents.Retirement | None = None) -> documents.Case:
        """Take it out of use; results that were measured on it keep it."""
        return cast(
            "documents.Case",
            self.send(
                "POST",
                filled("/v1/cases/{case_id}/retire", case_id=case_id),
                template="/v1/cases/{case_id}/retire",
                body=body,
            ),
        )

    def restore_case(self, case_id: str, body: documents.Retirement | None = None) -> documents.Case:
        """Bring a retired case back as it was. 409 where the same is in use."""
        return cast(
            "documents.Case",
            self.send(
                "POST",
                filled("/v1/cases/{case_id}/restore", case_id=case_id),
                template="/v1/cases/{case_id}/restore",
                body=body,
            ),
        )

    def get_case_health(self, skill: str) -> documents.CaseHealth:
        """How much the accepted golden cases can tell: those every model fails, those that never failed, those
        alike.
        """
        return cast(
            "documents.CaseHealth",
            self.send(
                "GET", filled("/v1/skills/{skill}/case-health", skill=skill), template="/v1/skills/{skill}/case-health"
            ),
        )

    def join_family(self, skill: str, body: documents.Family) -> documents.Joined:
        """Put cases of a skill in one family. 409 where one is out of use or of another skill."""
        return cast(
            "documents.Joined",
            self.send(
                "POST",
                filled("/v1/skills/{skill}/family", skill=skill),
                template="/v1/skills/{skill}/family",
                body=body,
            ),
        )

    def list_queue(
        self,
        *,
        skill: str | None = None,
        kind: documents.WaitingKind | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> documents.QueuePage:
        """What waits to become a golden case, what has waited longest first."""
        return cast(
            "documents.QueuePage",
            self.send(
                "GET",
                "/v1/queue",
                template="/v1/queue",
                query={"skill": skill, "kind": kind, "after": after, "limit": limit},
            ),
        )

    def every_queue(
        self, *, skill: str | None = None, kind: documents.WaitingKind | None = None, limit: int | None = None
    ) -> Iterator[documents.Waiting]:
        """Each one that `list_queue` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_queue(skill=skill, kind=kind, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def reject_many(self, body: documents.Rejections) -> documents.Rejected:
        """Reject many at once for one reason; what was decided on meanwhile stays as it is."""
        return cast("documents.Rejected", self.send("POST", "/v1/queue/reject", template="/v1/queue/reject", body=body))

    def accept_waiting(self, kind: str, item_id: str, body: documents.Acceptance | None = None) -> documents.Case:
        """Make an accepted case of what waits.

        422 where nothing says what a good output is; 409 where it was decided on meanwhile or the same is in
        use.
        """
        return cast(
            "documents.Case",
            self.send(
                "POST",
                filled("/v1/queue/{kind}/{item_id}/accept", kind=kind, item_id=item_id),
                template="/v1/queue/{kind}/{item_id}/accept",
                body=body,
            ),
        )

    def propose_waiting(self, kind: str, item_id: str, body: documents.Proposal | None = None) -> documents.Case:
        """Make a pending case of an example or an output, what is expected of it to be filled in."""
        return cast(
            "documents.Case",
            self.send(
                "POST",
                filled("/v1/queue/{kind}/{item_id}/propose", kind=kind, item_id=item_id),
                template="/v1/queue/{kind}/{item_id}/propose",
                body=body,
            ),
        )

    def reject_waiting(self, kind: str, item_id: str, body: documents.Rejection) -> None:
        """It becomes no case. 409 where it was decided on meanwhile."""
        self.send(
            "POST",
            filled("/v1/queue/{kind}/{item_id}/reject", kind=kind, item_id=item_id),
            template="/v1/queue/{kind}/{item_id}/reject",
            body=body,
        )

    def list_case_drafts(
        self, skill: str, *, after: str | None = None, limit: int | None = None
    ) -> documents.CaseDraftsPage:
        """What drafts of a skill's cases were asked for, the newest first."""
        return cast(
            "documents.CaseDraftsPage",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/case-drafts", skill=skill),
                template="/v1/skills/{skill}/case-drafts",
                query={"after": after, "limit": limit},
            ),
        )

    def every_case_drafts(self, skill: str, *, limit: int | None = None) -> Iterator[documents.CaseDrafts]:
        """Each one that `list_case_drafts` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_case_drafts(skill, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def draft_cases(
        self, skill: str, body: documents.NewCaseDrafts, *, idempotency_key: str | None = None
    ) -> documents.CaseDrafts:
        """Have a model draft golden cases of a skill. It is paid; what is under way already is not begun twice."""
        return cast(
            "documents.CaseDrafts",
            self.send(
                "POST",
                filled("/v1/skills/{skill}/case-drafts", skill=skill),
                template="/v1/skills/{skill}/case-drafts",
                body=body,
                once=True,
                key=idempotency_key,
            ),
        )

    def get_case_drafts(self, draft_id: str) -> documents.CaseDrafts:
        """How drafts stand that were asked for."""
        return cast(
            "documents.CaseDrafts",
            self.send(
                "GET", filled("/v1/case-drafts/{draft_id}", draft_id=draft_id), template="/v1/case-drafts/{draft_id}"
            ),
        )

    def estimate_run(self, skill: str, body: documents.NewRun) -> documents.Estimate:
        """What a run would take: calls, tokens, money, minutes, and the smallest lead it can show. Calls no model."""
        return cast(
            "documents.Estimate",
            self.send(
                "POST",
                filled("/v1/skills/{skill}/estimate", skill=skill),
                template="/v1/skills/{skill}/estimate",
                body=body,
            ),
        )

    def start_run(
        self, skill: str, body: documents.NewRun, *, idempotency_key: str | None = None
    ) -> documents.StartedRun:
        """Start a benchmark run. It is paid; answers paid before are used again.

        The same run asked for again continues one that was not finished. Follow it by its events.
        """
        return cast(
            "documents.StartedRun",
            self.send(
                "POST",
                filled("/v1/skills/{skill}/runs", skill=skill),
                template="/v1/skills/{skill}/runs",
                body=body,
                once=True,
                key=idempotency_key,
            ),
        )

    def list_runs_of_skill(
        self, skill: str, *, of_record: bool | None = None, after: str | None = None, limit: int | None = None
    ) -> documents.RunPage:
        """A skill's runs, the newest first."""
        return cast(
            "documents.RunPage",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/runs", skill=skill),
                template="/v1/skills/{skill}/runs",
                query={"of_record": of_record, "after": after, "limit": limit},
            ),
        )

    def every_runs_of_skill(
        self, skill: str, *, of_record: bool | None = None, limit: int | None = None
    ) -> Iterator[documents.RunLine]:
        """Each one that `list_runs_of_skill` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_runs_of_skill(skill, of_record=of_record, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def estimate_rebenchmark(self, skill: str, *, cause: documents.CauseKind | None = None) -> documents.Estimate:
        """What the last benchmark would take once more, on today's skill and cases."""
        return cast(
            "documents.Estimate",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/rebenchmark", skill=skill),
                template="/v1/skills/{skill}/rebenchmark",
                query={"cause": cause},
            ),
        )

    def rebenchmark(
        self, skill: str, body: documents.Again | None = None, *, idempotency_key: str | None = None
    ) -> documents.StartedRun:
        """Run the last benchmark once more, on today's skill and cases. It is paid.

        Only for age and drift every answer is called for anew; the rest was paid before.
        """
        return cast(
            "documents.StartedRun",
            self.send(
                "POST",
                filled("/v1/skills/{skill}/rebenchmark", skill=skill),
                template="/v1/skills/{skill}/rebenchmark",
                body=body,
                once=True,
                key=idempotency_key,
            ),
        )

    def list_runs(
        self, *, of_record: bool | None = None, after: str | None = None, limit: int | None = None
    ) -> documents.RunPage:
        """The runs of all skills, the newest first."""
        return cast(
            "documents.RunPage",
            self.send(
                "GET", "/v1/runs", template="/v1/runs", query={"of_record": of_record, "after": after, "limit": limit}
            ),
        )

    def every_runs(self, *, of_record: bool | None = None, limit: int | None = None) -> Iterator[documents.RunLine]:
        """Each one that `list_runs` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_runs(of_record=of_record, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def get_run(self, run_id: str, *, prices: str | None = None) -> documents.Run:
        """The report of a run: figures of its models, verdict, evidence. Of a run under way, a preview.

        409 where `prices` are asked for before it has a verdict.
        """
        return cast(
            "documents.Run",
            self.send(
                "GET",
                filled("/v1/runs/{run_id}", run_id=run_id),
                template="/v1/runs/{run_id}",
                query={"prices": prices},
            ),
        )

    def get_progress(self, run_id: str) -> documents.Progress:
        """How far a run is: cheap enough to ask twice a second."""
        return cast(
            "documents.Progress",
            self.send(
                "GET", filled("/v1/runs/{run_id}/progress", run_id=run_id), template="/v1/runs/{run_id}/progress"
            ),
        )

    def get_run_prices(self, run_id: str, *, day: str | None = None) -> documents.Prices:
        """A run's costs then, and at the prices of another day, and whether the verdict would be another.

        409 before it has a verdict.
        """
        return cast(
            "documents.Prices",
            self.send(
                "GET",
                filled("/v1/runs/{run_id}/prices", run_id=run_id),
                template="/v1/runs/{run_id}/prices",
                query={"day": day},
            ),
        )

    def cancel_run(self, run_id: str) -> documents.Progress:
        """Stop a run; calls in flight finish and are kept. 409 where it has ended already."""
        return cast(
            "documents.Progress",
            self.send("POST", filled("/v1/runs/{run_id}/cancel", run_id=run_id), template="/v1/runs/{run_id}/cancel"),
        )

    def resume_run(self, run_id: str, body: documents.Resumption | None = None) -> documents.Progress:
        """Go on with a run: what it has not done, cells missing for an outage included. Pays; answers are kept.

        409 where nothing is left to do, or where its judge was refused and is not accepted.
        """
        return cast(
            "documents.Progress",
            self.send(
                "POST",
                filled("/v1/runs/{run_id}/resume", run_id=run_id),
                template="/v1/runs/{run_id}/resume",
                body=body,
            ),
        )

    def compare_runs(self, run_id: str, *, since: str) -> documents.Comparison:
        """What changed from another run of the skill to this one: quality, cases that flipped, cost."""
        return cast(
            "documents.Comparison",
            self.send(
                "GET",
                filled("/v1/runs/{run_id}/comparison", run_id=run_id),
                template="/v1/runs/{run_id}/comparison",
                query={"since": since},
            ),
        )

    def list_cells(self, run_id: str, *, after: str | None = None, limit: int | None = None) -> documents.CellPage:
        """Every stored cell of a run, by case, model, arm and trial."""
        return cast(
            "documents.CellPage",
            self.send(
                "GET",
                filled("/v1/runs/{run_id}/cells", run_id=run_id),
                template="/v1/runs/{run_id}/cells",
                query={"after": after, "limit": limit},
            ),
        )

    def every_cells(self, run_id: str, *, limit: int | None = None) -> Iterator[documents.Cell]:
        """Each one that `list_cells` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_cells(run_id, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def list_run_cases(
        self,
        run_id: str,
        *,
        only: documents.MatrixFilter | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> documents.RunCasePage:
        """A run's cases by models: what each came to on each."""
        return cast(
            "documents.RunCasePage",
            self.send(
                "GET",
                filled("/v1/runs/{run_id}/cases", run_id=run_id),
                template="/v1/runs/{run_id}/cases",
                query={"only": only, "after": after, "limit": limit},
            ),
        )

    def every_run_cases(
        self, run_id: str, *, only: documents.MatrixFilter | None = None, limit: int | None = None
    ) -> Iterator[documents.RunCase]:
        """Each one that `list_run_cases` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_run_cases(run_id, only=only, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def get_run_case(self, run_id: str, number: str, *, model: list[str] | None = None) -> documents.RunCaseDetail:
        """One case of a run: input, expected output, and outputs with every grade."""
        return cast(
            "documents.RunCaseDetail",
            self.send(
                "GET",
                filled("/v1/runs/{run_id}/cases/{number}", run_id=run_id, number=number),
                template="/v1/runs/{run_id}/cases/{number}",
                query={"model": model},
            ),
        )

    def get_output(self, run_id: str, output_id: str) -> documents.WholeOutput:
        """An output in full, as the model gave it: hostile like any."""
        return cast(
            "documents.WholeOutput",
            self.send(
                "GET",
                filled("/v1/runs/{run_id}/outputs/{output_id}", run_id=run_id, output_id=output_id),
                template="/v1/runs/{run_id}/outputs/{output_id}",
            ),
        )

    def get_tie_break_offer(self, run_id: str, *, judge: str | None = None) -> documents.TieBreakOffer:
        """What breaking the run's tie would take. 409 where it has none."""
        return cast(
            "documents.TieBreakOffer",
            self.send(
                "GET",
                filled("/v1/runs/{run_id}/tie-break", run_id=run_id),
                template="/v1/runs/{run_id}/tie-break",
                query={"judge": judge},
            ),
        )

    def list_tie_breaks(
        self, run_id: str, *, after: str | None = None, limit: int | None = None
    ) -> documents.TieBreakPage:
        """The tie-breaks of a run as it ended last, the newest first."""
        return cast(
            "documents.TieBreakPage",
            self.send(
                "GET",
                filled("/v1/runs/{run_id}/tie-breaks", run_id=run_id),
                template="/v1/runs/{run_id}/tie-breaks",
                query={"after": after, "limit": limit},
            ),
        )

    def every_tie_breaks(self, run_id: str, *, limit: int | None = None) -> Iterator[documents.TieBreak]:
        """Each one that `list_tie_breaks` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_tie_breaks(run_id, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def request_tie_break(
        self, run_id: str, body: documents.NewTieBreak | None = None, *, idempotency_key: str | None = None
    ) -> documents.TieBreak:
        """Have a judge compare the tied models' outputs pair by pair. It is paid.

        One judge breaks a run's tie once; what is left of it goes on. 409 where there is no tie, or the judge
        was refused.
        """
        return cast(
            "documents.TieBreak",
            self.send(
                "POST",
                filled("/v1/runs/{run_id}/tie-breaks", run_id=run_id),
                template="/v1/runs/{run_id}/tie-breaks",
                body=body,
                once=True,
                key=idempotency_key,
            ),
        )

    def get_tie_break(self, tie_break_id: str) -> documents.TieBreak:
        """How a tie-break stands."""
        return cast(
            "documents.TieBreak",
            self.send(
                "GET",
                filled("/v1/tie-breaks/{tie_break_id}", tie_break_id=tie_break_id),
                template="/v1/tie-breaks/{tie_break_id}",
            ),
        )

    def cancel_tie_break(self, tie_break_id: str) -> documents.TieBreak:
        """Start no further call of it; what is out is kept. 409 where it has ended."""
        return cast(
            "documents.TieBreak",
            self.send(
                "POST",
                filled("/v1/tie-breaks/{tie_break_id}/cancel", tie_break_id=tie_break_id),
                template="/v1/tie-breaks/{tie_break_id}/cancel",
            ),
        )

    def list_ratings(self, run_id: str, *, after: str | None = None, limit: int | None = None) -> documents.RatingPage:
        """Every rating of a run, the newest first."""
        return cast(
            "documents.RatingPage",
            self.send(
                "GET",
                filled("/v1/runs/{run_id}/ratings", run_id=run_id),
                template="/v1/runs/{run_id}/ratings",
                query={"after": after, "limit": limit},
            ),
        )

    def every_ratings(self, run_id: str, *, limit: int | None = None) -> Iterator[documents.Rating]:
        """Each one that `list_ratings` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_ratings(run_id, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def get_people(self, run_id: str) -> documents.People:
        """What people's ratings of a run say, and how far the judge agrees with them."""
        return cast(
            "documents.People",
            self.send("GET", filled("/v1/runs/{run_id}/people", run_id=run_id), template="/v1/runs/{run_id}/people"),
        )

    def get_next_rating(
        self, run_id: str, *, rater: str | None = None, cases: int | None = None, again: bool | None = None
    ) -> documents.NextRating:
        """The output a rater is to rate next, drawn and blind. 409 while the run is under way."""
        return cast(
            "documents.NextRating",
            self.send(
                "GET",
                filled("/v1/runs/{run_id}/ratings/next", run_id=run_id),
                template="/v1/runs/{run_id}/ratings/next",
                query={"rater": rater, "cases": cases, "again": again},
            ),
        )

    def put_rating(self, run_id: str, place: str, body: documents.NewRating | None = None) -> documents.NextRating:
        """Rate an output that was drawn, or pass it over; answers what is to be rated next."""
        return cast(
            "documents.NextRating",
            self.send(
                "PUT",
                filled("/v1/runs/{run_id}/ratings/{place}", run_id=run_id, place=place),
                template="/v1/runs/{run_id}/ratings/{place}",
                body=body,
            ),
        )

    def put_rating_in_view(self, run_id: str, output_id: str, body: documents.NewRatingInView) -> None:
        """Rate an output with its model in view. 409 where this rater has rated it blind."""
        self.send(
            "PUT",
            filled("/v1/runs/{run_id}/outputs/{output_id}/rating", run_id=run_id, output_id=output_id),
            template="/v1/runs/{run_id}/outputs/{output_id}/rating",
            body=body,
        )

    def list_reviews(self, skill: str, *, after: str | None = None, limit: int | None = None) -> documents.ReviewPage:
        """The reviews of a skill, the newest first."""
        return cast(
            "documents.ReviewPage",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/reviews", skill=skill),
                template="/v1/skills/{skill}/reviews",
                query={"after": after, "limit": limit},
            ),
        )

    def every_reviews(self, skill: str, *, limit: int | None = None) -> Iterator[documents.Review]:
        """Each one that `list_reviews` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_reviews(skill, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def request_review(
        self, skill: str, body: documents.NewReview, *, idempotency_key: str | None = None
    ) -> documents.Review:
        """Have a model review the version in use. It is paid; one under way already is not begun twice."""
        return cast(
            "documents.Review",
            self.send(
                "POST",
                filled("/v1/skills/{skill}/reviews", skill=skill),
                template="/v1/skills/{skill}/reviews",
                body=body,
                once=True,
                key=idempotency_key,
            ),
        )

    def get_review(self, review_id: str) -> documents.Review:
        """How a review stands."""
        return cast(
            "documents.Review",
            self.send(
                "GET", filled("/v1/reviews/{review_id}", review_id=review_id), template="/v1/reviews/{review_id}"
            ),
        )

    def list_suggestions(
        self,
        skill: str,
        *,
        status: documents.SuggestionStatus | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> documents.SuggestionPage:
        """What users suggest for a skill, the newest first."""
        return cast(
            "documents.SuggestionPage",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/suggestions", skill=skill),
                template="/v1/skills/{skill}/suggestions",
                query={"status": status, "after": after, "limit": limit},
            ),
        )

    def every_suggestions(
        self, skill: str, *, status: documents.SuggestionStatus | None = None, limit: int | None = None
    ) -> Iterator[documents.Suggestion]:
        """Each one that `list_suggestions` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_suggestions(skill, status=status, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def create_suggestion(
        self, skill: str, body: documents.NewSuggestion, *, idempotency_key: str | None = None
    ) -> documents.Suggestion:
        """Suggest something for a skill."""
        return cast(
            "documents.Suggestion",
            self.send(
                "POST",
                filled("/v1/skills/{skill}/suggestions", skill=skill),
                template="/v1/skills/{skill}/suggestions",
                body=body,
                once=True,
                key=idempotency_key,
            ),
        )

    def get_suggestion(self, suggestion_id: str) -> documents.Suggestion:
        """One suggestion."""
        return cast(
            "documents.Suggestion",
            self.send(
                "GET",
                filled("/v1/suggestions/{suggestion_id}", suggestion_id=suggestion_id),
                template="/v1/suggestions/{suggestion_id}",
            ),
        )

    def decide_suggestion(self, suggestion_id: str, body: documents.SuggestionDecision) -> documents.Suggestion:
        """Accept a suggestion, decline it, or open it again."""
        return cast(
            "documents.Suggestion",
            self.send(
                "PATCH",
                filled("/v1/suggestions/{suggestion_id}", suggestion_id=suggestion_id),
                template="/v1/suggestions/{suggestion_id}",
                body=body,
            ),
        )

    def list_feedback(
        self,
        skill: str,
        *,
        kind: documents.FeedbackType | None = None,
        status: documents.FeedbackStatus | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> documents.FeedbackPage:
        """What users said of a skill, the newest first. Training examples are decided on in the queue."""
        return cast(
            "documents.FeedbackPage",
            self.send(
                "GET",
                filled("/v1/skills/{skill}/feedback", skill=skill),
                template="/v1/skills/{skill}/feedback",
                query={"kind": kind, "status": status, "after": after, "limit": limit},
            ),
        )

    def every_feedback(
        self,
        skill: str,
        *,
        kind: documents.FeedbackType | None = None,
        status: documents.FeedbackStatus | None = None,
        limit: int | None = None,
    ) -> Iterator[documents.Feedback]:
        """Each one that `list_feedback` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_feedback(skill, kind=kind, status=status, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def send_feedback(self, body: documents.NewFeedback) -> documents.Heard:
        """Say something of a skill; it is kept once for each `key`.

        At most 20 of one author and 200 of all are taken of a skill in a minute. The `author` that a key names
        is kept as "Ada (by key checkout)".
        """
        return cast("documents.Heard", self.send("POST", "/v1/feedback", template="/v1/feedback", body=body))

    def list_unmatched(self) -> documents.Unmatched:
        """The names of skills that uses were sent for and that are not here."""
        return cast(
            "documents.Unmatched", self.send("GET", "/v1/measurements/unmatched", template="/v1/measurements/unmatched")
        )

    def send_measurements(self, body: documents.NewMeasurements) -> documents.Taken:
        """Send uses of skills, at most 10,000 at once.

        What is answered as kept is committed; what is refused is named. 422 where every item was refused:
        `refused` names each.
        """
        return cast("documents.Taken", self.send("POST", "/v1/measurements", template="/v1/measurements", body=body))

    def list_models(self, *, after: str | None = None, limit: int | None = None) -> documents.SeenModelPage:
        """Every model of any run, by name: its price today, how much it was used, how good and how fast it was."""
        return cast(
            "documents.SeenModelPage",
            self.send("GET", "/v1/models", template="/v1/models", query={"after": after, "limit": limit}),
        )

    def every_models(self, *, limit: int | None = None) -> Iterator[documents.SeenModel]:
        """Each one that `list_models` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_models(limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def list_offers(self, *, after: str | None = None, limit: int | None = None) -> documents.OfferedModelPage:
        """The models to choose from by name: used before, on this machine, and the vendors' current ones."""
        return cast(
            "documents.OfferedModelPage",
            self.send("GET", "/v1/models/offers", template="/v1/models/offers", query={"after": after, "limit": limit}),
        )

    def every_offers(self, *, limit: int | None = None) -> Iterator[documents.OfferedModel]:
        """Each one that `list_offers` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_offers(limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def list_run_parts(self, *, skill: str | None = None, limit: int | None = None) -> documents.Parts:
        """The newest runs, for the command line."""
        return cast(
            "documents.Parts",
            self.send("GET", "/v1/parts/runs", template="/v1/parts/runs", query={"skill": skill, "limit": limit}),
        )

    def get_run_parts(self, start: str, *, prices: str | None = None) -> documents.Parts:
        """All that is shown of a run, for the command line; other programs read its report."""
        return cast(
            "documents.Parts",
            self.send(
                "GET",
                filled("/v1/parts/runs/{start}", start=start),
                template="/v1/parts/runs/{start}",
                query={"prices": prices},
            ),
        )

    def find_run(self, start: str) -> documents.RunName:
        """Which run's id starts so; refused where several do."""
        return cast(
            "documents.RunName",
            self.send("GET", filled("/v1/parts/runs/{start}/id", start=start), template="/v1/parts/runs/{start}/id"),
        )

    def list_rating_parts(self, start: str) -> documents.Parts:
        """Every rating of a run by case, model, arm, trial and rater, for the command line."""
        return cast(
            "documents.Parts",
            self.send(
                "GET", filled("/v1/parts/runs/{start}/ratings", start=start), template="/v1/parts/runs/{start}/ratings"
            ),
        )

    def get_tie_break_offer_parts(self, start: str, *, judge: str | None = None) -> documents.Parts:
        """What breaking a run's tie would take, for the command line. 409 where it has none."""
        return cast(
            "documents.Parts",
            self.send(
                "GET",
                filled("/v1/parts/runs/{start}/tie-break", start=start),
                template="/v1/parts/runs/{start}/tie-break",
                query={"judge": judge},
            ),
        )

    def get_tie_break_parts(self, tie_break_id: str) -> documents.Parts:
        """How a tie-break stands beside others of the same tie, for the command line."""
        return cast(
            "documents.Parts",
            self.send(
                "GET",
                filled("/v1/parts/tie-breaks/{tie_break_id}", tie_break_id=tie_break_id),
                template="/v1/parts/tie-breaks/{tie_break_id}",
            ),
        )

    def get_named_case_parts(self, case_start: str) -> documents.Parts:
        """Which case, or what waits to become one, an id names, for the command line."""
        return cast(
            "documents.Parts",
            self.send(
                "GET",
                filled("/v1/parts/cases/{case_start}", case_start=case_start),
                template="/v1/parts/cases/{case_start}",
            ),
        )

    def list_case_history_parts(self, cases_of: str, *, limit: int | None = None) -> documents.Parts:
        """What was done to a skill's cases, or to one case or user's example, the newest first, for the command
        line.
        """
        return cast(
            "documents.Parts",
            self.send(
                "GET",
                filled("/v1/parts/case-history/{cases_of}", cases_of=cases_of),
                template="/v1/parts/case-history/{cases_of}",
                query={"limit": limit},
            ),
        )

    def list_skill_parts(self) -> documents.Parts:
        """Every skill, by name, for the command line."""
        return cast("documents.Parts", self.send("GET", "/v1/parts/skills", template="/v1/parts/skills"))

    def get_skill_parts(self, skill: str) -> documents.Parts:
        """All that is shown of a skill, and what would go with it, for the command line."""
        return cast(
            "documents.Parts",
            self.send("GET", filled("/v1/parts/skills/{skill}", skill=skill), template="/v1/parts/skills/{skill}"),
        )

    def list_case_parts(self, skill: str) -> documents.Parts:
        """A skill's golden cases in use, of whatever status, for the command line."""
        return cast(
            "documents.Parts",
            self.send(
                "GET", filled("/v1/parts/skills/{skill}/cases", skill=skill), template="/v1/parts/skills/{skill}/cases"
            ),
        )

    def list_queue_parts(self, skill: str, *, after: str | None = None, limit: int | None = None) -> documents.Parts:
        """What waits to become a golden case of a skill, a page of it, for the command line."""
        return cast(
            "documents.Parts",
            self.send(
                "GET",
                filled("/v1/parts/skills/{skill}/queue", skill=skill),
                template="/v1/parts/skills/{skill}/queue",
                query={"after": after, "limit": limit},
            ),
        )

    def get_health_parts(self, skill: str) -> documents.Parts:
        """What stands out among a skill's golden cases, for the command line; other programs read its case health."""
        return cast(
            "documents.Parts",
            self.send(
                "GET",
                filled("/v1/parts/skills/{skill}/health", skill=skill),
                template="/v1/parts/skills/{skill}/health",
            ),
        )

    def get_production_parts(self, skill: str, *, days: int | None = None) -> documents.Parts:
        """A skill's last benchmark set beside its use, for the command line."""
        return cast(
            "documents.Parts",
            self.send(
                "GET",
                filled("/v1/parts/skills/{skill}/production", skill=skill),
                template="/v1/parts/skills/{skill}/production",
                query={"days": days},
            ),
        )

    def get_spend_parts(self, *, month: str | None = None) -> documents.Parts:
        """What a month's money went to, for the command line."""
        return cast(
            "documents.Parts", self.send("GET", "/v1/parts/spend", template="/v1/parts/spend", query={"month": month})
        )

    def list_audit_parts(
        self,
        *,
        actor: str | None = None,
        skill: str | None = None,
        since: str | None = None,
        until: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> documents.Parts:
        """Who changed what and when, the newest first, for the command line."""
        return cast(
            "documents.Parts",
            self.send(
                "GET",
                "/v1/parts/audit",
                template="/v1/parts/audit",
                query={
                    "actor": actor,
                    "skill": skill,
                    "since": since,
                    "until": until,
                    "before": before,
                    "limit": limit,
                },
            ),
        )

    def get_settings(self) -> documents.Settings:
        """What is set for this tenant, and how notices go."""
        return cast("documents.Settings", self.send("GET", "/v1/settings", template="/v1/settings"))

    def set_age_limit(self, body: documents.AgeLimit) -> documents.Settings:
        """Set after how many days benchmarks are too old; null takes the installation's."""
        return cast(
            "documents.Settings",
            self.send("PUT", "/v1/settings/staleness", template="/v1/settings/staleness", body=body),
        )

    def set_webhook(self, body: documents.WebhookAddress) -> documents.WebhookSecret:
        """Set where notices are posted. The first address gets a secret, which is answered this once."""
        return cast(
            "documents.WebhookSecret",
            self.send("PUT", "/v1/settings/webhook", template="/v1/settings/webhook", body=body),
        )

    def renew_webhook_secret(self) -> documents.WebhookSecret:
        """Make a new secret in place of the one there is; it is answered this once. 422 without a webhook."""
        return cast(
            "documents.WebhookSecret",
            self.send("POST", "/v1/settings/webhook/secret", template="/v1/settings/webhook/secret"),
        )

    def set_recipients(self, body: documents.Recipients) -> documents.Settings:
        """Set which e-mail addresses are told."""
        return cast(
            "documents.Settings",
            self.send("PUT", "/v1/settings/recipients", template="/v1/settings/recipients", body=body),
        )

    def set_rebenchmark(self, body: documents.NewRebenchmark) -> documents.Settings:
        """Set what of a month's money may be run again of itself, and for which causes."""
        return cast(
            "documents.Settings",
            self.send("PUT", "/v1/settings/rebenchmark", template="/v1/settings/rebenchmark", body=body),
        )

    def test_notices(self) -> documents.Deliveries:
        """Send a test on every way there is, once and now. 422 where there is none, 429 past 10 an hour."""
        return cast(
            "documents.Deliveries", self.send("POST", "/v1/settings/notices/test", template="/v1/settings/notices/test")
        )

    def list_providers(self, *, after: str | None = None, limit: int | None = None) -> documents.ProviderPage:
        """The tenant's own providers by name, and which of the server's it may use besides."""
        return cast(
            "documents.ProviderPage",
            self.send("GET", "/v1/providers", template="/v1/providers", query={"after": after, "limit": limit}),
        )

    def every_providers(self, *, limit: int | None = None) -> Iterator[documents.Provider]:
        """Each one that `list_providers` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_providers(limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def set_provider(self, name: str, body: documents.ProviderSetting) -> documents.Provider:
        """Add a provider, or replace the one of that name. Nothing is called.

        409 where there are as many as there may be; 422 where another address or kind needs the key again.
        """
        return cast(
            "documents.Provider",
            self.send("PUT", filled("/v1/providers/{name}", name=name), template="/v1/providers/{name}", body=body),
        )

    def remove_provider(self, name: str) -> documents.Removal:
        """Forget a provider of the tenant's own, its key and its prices; says which runs under way call it."""
        return cast(
            "documents.Removal",
            self.send("DELETE", filled("/v1/providers/{name}", name=name), template="/v1/providers/{name}"),
        )

    def try_provider(self, name: str) -> documents.Trial:
        """Ask a provider of the tenant's own for its list of models, which costs nothing, and say what came of it."""
        return cast(
            "documents.Trial",
            self.send("POST", filled("/v1/providers/{name}/test", name=name), template="/v1/providers/{name}/test"),
        )

    def list_provider_prices(
        self, name: str, *, after: str | None = None, limit: int | None = None
    ) -> documents.ProviderPricePage:
        """The prices that were given for the models of a provider of the tenant's own, by model, the oldest first."""
        return cast(
            "documents.ProviderPricePage",
            self.send(
                "GET",
                filled("/v1/providers/{name}/prices", name=name),
                template="/v1/providers/{name}/prices",
                query={"after": after, "limit": limit},
            ),
        )

    def every_provider_prices(self, name: str, *, limit: int | None = None) -> Iterator[documents.ProviderPrice]:
        """Each one that `list_provider_prices` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_provider_prices(name, limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def set_provider_price(self, name: str, body: documents.NewProviderPrice) -> documents.ProviderPrice:
        """Give the price of a model of the tenant's own provider, from a day on.

        Calls begun from now on have it, those of a run under way from its next batch on; costs there are never
        change. 404 where the provider is not the tenant's own; 409 where there are as many prices as there may
        be.
        """
        return cast(
            "documents.ProviderPrice",
            self.send(
                "PUT",
                filled("/v1/providers/{name}/prices", name=name),
                template="/v1/providers/{name}/prices",
                body=body,
            ),
        )

    def remove_provider_prices(self, name: str, *, model: str, since: str | None = None) -> documents.PricesRemoved:
        """Take away a price of a model, or all of its prices. What calls have cost stays as it is."""
        return cast(
            "documents.PricesRemoved",
            self.send(
                "DELETE",
                filled("/v1/providers/{name}/prices", name=name),
                template="/v1/providers/{name}/prices",
                query={"model": model, "since": since},
            ),
        )

    def get_budget(self) -> documents.Budget:
        """What may be spent in a month and on one run, and how this month stands."""
        return cast("documents.Budget", self.send("GET", "/v1/budget", template="/v1/budget"))

    def set_budget(self, body: documents.NewBudget) -> documents.Budget:
        """Set what may be spent in a month and on one run. Workers hold to it within a second."""
        return cast("documents.Budget", self.send("PUT", "/v1/budget", template="/v1/budget", body=body))

    def get_spend(self, *, month: str | None = None) -> documents.Spend:
        """What a month's money went to: its total against its budget, and its splits."""
        return cast("documents.Spend", self.send("GET", "/v1/spend", template="/v1/spend", query={"month": month}))

    def list_members(self, *, after: str | None = None, limit: int | None = None) -> documents.MemberPage:
        """Who belongs to the tenant, by address. 404 on an installation for one person, which has no members."""
        return cast(
            "documents.MemberPage",
            self.send("GET", "/v1/members", template="/v1/members", query={"after": after, "limit": limit}),
        )

    def every_members(self, *, limit: int | None = None) -> Iterator[documents.Member]:
        """Each one that `list_members` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_members(limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def change_role(self, user_id: str, body: documents.NewRole) -> documents.Member:
        """Change what a member is. No key makes an admin or changes one (403), and the last admin stays one (409)."""
        return cast(
            "documents.Member",
            self.send(
                "PATCH", filled("/v1/members/{user_id}", user_id=user_id), template="/v1/members/{user_id}", body=body
            ),
        )

    def remove_member(self, user_id: str) -> None:
        """Let somebody belong to the tenant no more: their sessions here end at once, and what they did stays.

        No key removes an admin (403), and the last admin stays (409).
        """
        self.send("DELETE", filled("/v1/members/{user_id}", user_id=user_id), template="/v1/members/{user_id}")

    def list_invitations(self, *, after: str | None = None, limit: int | None = None) -> documents.InvitationPage:
        """Who is invited and has not come yet, the newest first; also what is too old by now."""
        return cast(
            "documents.InvitationPage",
            self.send("GET", "/v1/invitations", template="/v1/invitations", query={"after": after, "limit": limit}),
        )

    def every_invitations(self, *, limit: int | None = None) -> Iterator[documents.Invitation]:
        """Each one that `list_invitations` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_invitations(limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def invite_member(
        self, body: documents.NewInvitation, *, idempotency_key: str | None = None
    ) -> documents.MadeInvitation:
        """Invite an address, in place of an earlier invitation of it.

        It goes by mail where the server can send any, else its link is answered. No key invites an admin (403).
        Sent again with its Idempotency-Key it invites nobody anew, and its link is not there any more. 409 for
        whoever is a member. At most 5 an hour are mailed to one address, and 60 for a tenant (429).
        """
        return cast(
            "documents.MadeInvitation",
            self.send("POST", "/v1/invitations", template="/v1/invitations", body=body, once=True, key=idempotency_key),
        )

    def get_invitation(self, invitation_id: str) -> documents.Invitation:
        """One invitation, while it is not taken up."""
        return cast(
            "documents.Invitation",
            self.send(
                "GET",
                filled("/v1/invitations/{invitation_id}", invitation_id=invitation_id),
                template="/v1/invitations/{invitation_id}",
            ),
        )

    def revoke_invitation(self, invitation_id: str) -> None:
        """Take an invitation back: its link lets nobody in any more. No key takes an admin's back (403)."""
        self.send(
            "DELETE",
            filled("/v1/invitations/{invitation_id}", invitation_id=invitation_id),
            template="/v1/invitations/{invitation_id}",
        )

    def list_keys(self, *, after: str | None = None, limit: int | None = None) -> documents.KeyPage:
        """Every key there was, the newest first, with its last use; also those that can be used no more."""
        return cast(
            "documents.KeyPage",
            self.send("GET", "/v1/keys", template="/v1/keys", query={"after": after, "limit": limit}),
        )

    def every_keys(self, *, limit: int | None = None) -> Iterator[documents.Key]:
        """Each one that `list_keys` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_keys(limit=limit, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def make_key(self, body: documents.NewKey, *, idempotency_key: str | None = None) -> documents.MadeKey:
        """Make a key. The answer has it this once.

        A key makes none that may more, or lasts longer, than itself (403). Sent again with its Idempotency-Key
        the request makes no other, and what the key is is not there any more: revoke it then, and make another.
        409 where there are as many keys as there may be.
        """
        return cast(
            "documents.MadeKey",
            self.send("POST", "/v1/keys", template="/v1/keys", body=body, once=True, key=idempotency_key),
        )

    def get_key(self, key_id: str) -> documents.Key:
        """One key, whether it can be used or not."""
        return cast(
            "documents.Key", self.send("GET", filled("/v1/keys/{key_id}", key_id=key_id), template="/v1/keys/{key_id}")
        )

    def revoke_key(self, key_id: str) -> None:
        """Let a key in no more, for good; another process may do so for at most 5 seconds yet. It stays in the
        list.
        """
        self.send("DELETE", filled("/v1/keys/{key_id}", key_id=key_id), template="/v1/keys/{key_id}")

    def list_audit(
        self,
        *,
        actor: str | None = None,
        kind: str | None = None,
        skill: str | None = None,
        since: str | None = None,
        until: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> documents.AuditLog:
        """Who changed what and when, the newest first."""
        return cast(
            "documents.AuditLog",
            self.send(
                "GET",
                "/v1/audit",
                template="/v1/audit",
                query={
                    "actor": actor,
                    "kind": kind,
                    "skill": skill,
                    "since": since,
                    "until": until,
                    "after": after,
                    "limit": limit,
                },
            ),
        )

    def every_audit(
        self,
        *,
        actor: str | None = None,
        kind: str | None = None,
        skill: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
    ) -> Iterator[documents.Entry]:
        """Each one that `list_audit` lists, page by page of `limit`."""
        after: str | None = None
        while True:
            page = self.list_audit(
                actor=actor, kind=kind, skill=skill, since=since, until=until, limit=limit, after=after
            )
            yield from page["changes"]
            after = page["next"]
            if after is None:
                return
