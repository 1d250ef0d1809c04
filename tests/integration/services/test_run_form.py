"""The form of a run: every problem named with its field, ad-hoc cases never counting, the last run once more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from steelyard.domain.errors import InvalidForm, MissingKey, NotFound
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.domain.skills import LintFinding
from steelyard.judging.default import DefaultJudge
from steelyard.providers.settings import Endpoint, ProviderSettings
from steelyard.services.model_offers import ModelOffers
from steelyard.services.run_form import RunForms, RunFormValues
from steelyard.services.skills import SkillService
from steelyard.storage import skills
from steelyard.storage.database import Database
from tests.integration.services.made import Made, asks, checked, content, judged


class Checker:
    """Knows every model but those of a vendor without a key."""

    def check(self, ref: ModelRef) -> None:
        if ref.provider == "openai":
            raise MissingKey(f"{ref.text} needs a key.", next_step="Set OPENAI_API_KEY.")


def default_judge(candidates: object) -> DefaultJudge:
    return DefaultJudge(ModelRef("test", "judge"), False, "Judge: test:judge (the default).")


def no_judge(candidates: object) -> DefaultJudge:
    return DefaultJudge(None, False, "No judge.")


@pytest.fixture
def settings(tmp_path: Path) -> ProviderSettings:
    own = Endpoint("mine", "openai", "MINE_API_KEY", "http://127.0.0.1:9/v1", "key")
    vendors = [Endpoint(kind, kind, f"{kind.upper()}_API_KEY") for kind in ("anthropic", "openai")]
    return ProviderSettings(tmp_path, {one.name: one for one in [*vendors, own]})


@pytest.fixture
def forms(database: Database, settings: ProviderSettings) -> RunForms:
    offers = ModelOffers(database, settings, Checker(), lambda ref, day: None)
    return RunForms(database, SkillService(database), offers, Checker(), default_judge)


async def saved(made: Made, cases: int = 3) -> str:
    """The name of a skill with so many golden cases, kept."""
    skill = replace(content(), lint=(LintFinding("warning", "long", "It is long."),))
    chosen = [replace(checked(number), case_set="dev" if number == 1 else None) for number in range(cases)]
    await SkillService(made.bench.database).add(made.tenant_id, skill, chosen)
    return skill.name


CHOSEN = RunFormValues(models=("test:m0", "test:m1"))


async def test_golden_cases_make_a_run_of_record_and_save_nothing_twice(made: Made, forms: RunForms) -> None:
    name = await saved(made)
    service = SkillService(made.bench.database)
    before = await service.kept(made.tenant_id, name)
    selected = await forms.request(made.tenant_id, name, CHOSEN)
    assert selected.request.counts
    assert selected.judge_sentence.startswith("No judge needed")
    run_id = await made.run(selected.request)
    after = await service.kept(made.tenant_id, name)
    assert after == before
    assert [finding.code for finding in after.content.lint] == ["long"]
    run = await (await made.bench.service()).find(made.tenant_id, str(run_id))
    assert (run.of_record, run.triggered_by, run.skill_version_id) == (True, "web", before.version_id)
    assert run.plan["case_ids"] == [str(row.id) for row in before.cases]


async def test_typed_cases_never_count_and_never_become_the_skills_own(made: Made, forms: RunForms) -> None:
    name = await saved(made)
    typed = replace(CHOSEN, cases="ad_hoc", ad_hoc=[("Weigh item 9.", "120 g"), (" ", ""), ("Weigh 10.", "120 g")])
    selected = await forms.request(made.tenant_id, name, typed)
    assert [case.input for case in selected.request.cases] == ["Weigh item 9.", "Weigh 10."]
    asked_wrongly = replace(selected.request, of_record=True)
    for request in (selected.request, asked_wrongly):
        run = await (await made.bench.service()).find(made.tenant_id, str(await made.bench.start(request)))
        assert not run.of_record
    kept = await SkillService(made.bench.database).kept(made.tenant_id, name)
    assert len(kept.cases) == 3


async def test_a_set_of_cases_does_not_count_either(made: Made, forms: RunForms) -> None:
    selected = await forms.request(made.tenant_id, await saved(made), replace(CHOSEN, cases="set:dev"))
    assert (len(selected.request.cases), selected.request.counts) == (1, False)


async def test_an_estimate_keeps_nothing(made: Made, forms: RunForms, database: Database) -> None:
    name = await saved(made)
    service = await made.bench.service()
    selected = await forms.request(made.tenant_id, name, CHOSEN)
    await made.run(selected.request)
    typed = replace(CHOSEN, cases="ad_hoc", ad_hoc=[("Weigh item 9.", "120 g")])
    expected = ((CHOSEN, 12), (replace(CHOSEN, arm="with_skill"), 6), (typed, 0), (replace(CHOSEN, fresh=True), 0))
    for values, paid in expected:
        assert (
            sum(await service.paid(made.tenant_id, (await forms.request(made.tenant_id, name, values)).request)) == paid
        )
    async with database.tenant(made.tenant_id) as connection:
        row = await (await connection.execute("SELECT count(*)::int AS n FROM golden_cases")).fetchone()
    assert row is not None
    assert row["n"] == 3


WRONG = {
    "models": {"models": (), "other_models": "\n"},
    "other_models": {"other_models": "gpt"},
    "judge": {"judge": "nobody"},
    "cases": {"cases": "set:nowhere"},
    "ad_hoc": {"cases": "ad_hoc", "ad_hoc": [("only an input", "")]},
    "arm": {"arm": "left"},
    "trials": {"trials": "2.5"},
    "max_tokens": {"max_tokens": "0"},
    "margin": {"margin": "101"},
    "threshold": {"threshold": "many"},
    "seed": {"seed": "nan"},
    "budget": {"budget": "-1"},
}


@pytest.mark.parametrize("field", WRONG)
async def test_what_cannot_be_used_is_named_by_its_field(made: Made, forms: RunForms, field: str) -> None:
    name = await saved(made)
    with pytest.raises(InvalidForm) as caught:
        await forms.request(made.tenant_id, name, replace(CHOSEN, **WRONG[field]))
    assert [problem.field for problem in caught.value.problems] == [field]
    assert all(problem.message and problem.next_step for problem in caught.value.problems)


async def test_several_problems_are_told_at_once(made: Made, forms: RunForms) -> None:
    name = await saved(made)
    values = replace(CHOSEN, arm="left", budget="much", judge="openai:judge", trials="0")
    with pytest.raises(InvalidForm) as caught:
        await forms.request(made.tenant_id, name, values)
    assert [problem.field for problem in caught.value.problems] == ["judge", "arm", "budget", "trials"]


async def test_a_model_that_cannot_be_called_is_a_problem_of_the_form(made: Made, forms: RunForms) -> None:
    name = await saved(made)
    with pytest.raises(InvalidForm, match="needs a key") as caught:
        await forms.request(made.tenant_id, name, replace(CHOSEN, models=("openai:gpt-5.4",)))
    assert caught.value.problems[0].field == "models"


async def test_cases_nobody_can_grade_are_refused_at_the_judge(
    made: Made, database: Database, settings: ProviderSettings
) -> None:
    skill = content()
    await SkillService(database).add(made.tenant_id, skill, [judged(1)])
    offers = ModelOffers(database, settings, Checker(), lambda ref, day: None)
    forms = RunForms(database, SkillService(database), offers, Checker(), no_judge)
    with pytest.raises(InvalidForm, match="can be graded") as caught:
        await forms.request(made.tenant_id, skill.name, CHOSEN)
    assert caught.value.problems[0].field == "judge"
    with pytest.raises(InvalidForm, match="none is to be asked") as caught:
        await forms.request(made.tenant_id, skill.name, replace(CHOSEN, judge="none"))
    assert caught.value.problems[0].field == "judge"


async def test_the_form_offers_each_model_once_with_the_reason_where_it_is_not_usable(
    made: Made, forms: RunForms
) -> None:
    name = await saved(made)
    await made.bench.start(asks(content(), [checked(1)], ("m7",)))
    form = await forms.form(made.tenant_id, name)
    by_name = {one.model: one for one in form.models}
    assert len(by_name) == len(form.models)
    assert (by_name["test:m7"].group, by_name["test:m7"].runs) == ("used before", 1)
    local = by_name["local:smollm2-135m"]
    assert local.group == "on this machine"
    current = [one for one in form.models if one.group == "current"]
    assert 2 <= sum(one.provider == "anthropic" for one in current) <= 4
    assert all(not one.usable and one.remedy for one in current if one.provider == "openai")
    assert not any(one.provider == "mine" for one in current)
    assert (form.golden, form.judged, [(one.name, one.cases) for one in form.sets]) == (3, 0, [("dev", 1)])


async def test_the_form_is_filled_in_as_the_last_run_of_record_was(made: Made, forms: RunForms) -> None:
    name = await saved(made)
    values = replace(CHOSEN, arm="with_skill", trials="2", budget="$1,234.50", threshold="65", judge="none")
    await made.run((await forms.request(made.tenant_id, name, values)).request)
    typed = replace(CHOSEN, cases="ad_hoc", ad_hoc=[("Weigh it.", "120 g")], trials="3")
    await made.run((await forms.request(made.tenant_id, name, typed)).request)
    found = (await forms.form(made.tenant_id, name)).values
    assert (found.models, found.arm, found.trials, found.threshold) == (values.models, "with_skill", "2", "65")
    assert (found.budget, found.judge, found.cases) == ("1234.5", "none", "golden")
    again = (await forms.request(made.tenant_id, name, found)).request
    first = (await forms.request(made.tenant_id, name, values)).request
    assert replace(again, content=first.content, kept=first.kept) == first


async def test_models_of_the_last_run_that_cannot_be_called_any_more_are_named_and_not_chosen(
    made: Made, forms: RunForms, database: Database, settings: ProviderSettings
) -> None:
    name = await saved(made)
    await made.run((await forms.request(made.tenant_id, name, CHOSEN)).request)

    class Lost(Checker):
        def check(self, ref: ModelRef) -> None:
            if ref.text == CHOSEN.models[0]:
                raise MissingKey(f"{ref.text} needs a key.", next_step="Set its key.")

    offers = ModelOffers(database, settings, Lost(), lambda ref, day: None)
    now = await RunForms(database, SkillService(database), offers, Lost(), default_judge).form(made.tenant_id, name)
    assert now.left_out == CHOSEN.models[:1]
    assert now.values.models == CHOSEN.models[1:]
    sent = await forms.form(made.tenant_id, name, replace(CHOSEN, models=("openai:gone",)))
    assert (sent.left_out, sent.values.models) == ((), ("openai:gone",))


async def test_re_benchmarking_asks_for_the_same_and_for_fresh_answers_only_because_of_age(
    made: Made, forms: RunForms
) -> None:
    name = await saved(made)
    with pytest.raises(NotFound):
        await forms.rebenchmark_request(made.tenant_id, name, causes=["age"])
    values = replace(CHOSEN, arm="with_skill", trials="2", budget="3")
    await made.run((await forms.request(made.tenant_id, name, values)).request)
    typed = replace(CHOSEN, models=("test:m9",), cases="ad_hoc", ad_hoc=[("Weigh it.", "120 g")])
    await made.run((await forms.request(made.tenant_id, name, typed)).request)
    for causes, fresh in (([], False), (["skill"], False), (["cases"], False), (["skill", "age"], True)):
        request = await forms.rebenchmark_request(made.tenant_id, name, causes=causes)
        assert (request.fresh, request.counts) == (fresh, True)
        assert [model.text for model in request.models] == ["test:m0", "test:m1"]
        assert (request.arms, request.trials, request.budget_microcents) == ((Arm.WITH_SKILL,), 2, 300_000_000)
    caller = made.caller(lambda model, prompt: "120 g")
    run_id = await made.bench.start(await forms.rebenchmark_request(made.tenant_id, name, causes=["age"]))
    await made.bench.serve(run_id, caller)
    assert caller.calls.total() == 12


async def test_re_benchmarking_uses_the_skill_and_the_cases_as_they_are_now(made: Made, forms: RunForms) -> None:
    name = await saved(made)
    await made.run((await forms.request(made.tenant_id, name, CHOSEN)).request)
    changed = content(name, text="Weigh it well.")
    await SkillService(made.bench.database).add(made.tenant_id, changed, [checked(1), checked(8)])
    request = await forms.rebenchmark_request(made.tenant_id, name, causes=["skill", "cases"])
    assert request.content.digest == changed.digest
    assert [case.case_id for case in request.cases] == ["case-001", "case-008"]
    async with made.bench.database.tenant(made.tenant_id) as connection:
        assert (await skills.find_skill(connection, name)).versions == 2
