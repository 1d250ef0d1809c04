"""Whole runs by scripted judges over HTTP: the engine, the database and the protocol as they are used."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from benchmarks.judge.biased import CRITERIA, ScriptedJudge, read_prompt
from benchmarks.judge.world import FAMILIES, World
from benchmarks.site import clean_environment, of_model_server, temporary_home
from benchmarks.statistics.tables import Floats
from steelyard.bootstrap import open_workbench
from steelyard.domain.cases import GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.domain.skills import SkillContent
from steelyard.services.reports import RunReport
from steelyard.services.run_request import RunRequest
from steelyard.storage.figures import run_figures
from steelyard.workbench import Workbench
from tests.modelserver import Call, ModelServer, Reply, ServerConfig

_ASSERTIONS = tuple(f"It is good in respect {number}." for number in range(1, CRITERIA + 1))
MODELS = tuple(ModelRef("openai", f"{family}-m{place}") for place, family in enumerate(FAMILIES))


@dataclass
class Stage:
    """One world on a model server, and the judges that grade in it. `order`: by judge, whose answers came in turn."""

    world: World | None = None
    judges: dict[str, ScriptedJudge] = field(default_factory=dict[str, ScriptedJudge])
    order: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def answers(self, call: Call) -> Reply:
        assert self.world is not None
        case = int(re.findall(r"Case (\d+)\.", call.prompt)[-1])
        return Reply(self.world.answers[case][int(call.model.rsplit("m", 1)[1])])

    def judges_it(self, call: Call) -> Reply:
        assert self.world is not None
        judge = self.judges[call.model]
        asked = self.order[call.model]
        place = len(asked) / max(self.world.quality.size - 1, 1)
        text = read_prompt(call.prompt).candidate
        asked.append(self._models.get(text, -1))
        return Reply(judge.reply(call.prompt, place))

    @property
    def _models(self) -> dict[str, int]:
        assert self.world is not None
        return {text: model for row in self.world.answers for model, text in enumerate(row)}


@dataclass(frozen=True)
class Wire:
    """A workbench whose models and judges are those of a stage."""

    bench: Workbench
    stage: Stage

    async def run(self, world: World, judge: ScriptedJudge) -> tuple[Floats, RunReport]:
        """A run of all models on the world's cases: (cases, models) the stored scores, and the report."""
        self.stage.world = world
        self.stage.judges[judge.name] = judge
        content = SkillContent(
            f"weigh-{abs(hash(world.name)):x}", "Weighs.", "Weigh it.", f"Weigh it. {world.name}", world.name
        )
        request = RunRequest(
            content=content,
            cases=[
                GoldenCase(str(case), f"{world.name}: Case {case}.", assertions=_ASSERTIONS)
                for case in range(len(world.quality))
            ],
            models=MODELS,
            judge=ModelRef("openai", judge.name),
            arms=(Arm.WITH_SKILL,),
            # As noisy as it is, it may fail its examination without being biased.
            accept_judge=True,
        )
        run_id = (await self.bench.benchmarks.start(self.bench.tenant_id, request)).run_id
        stop = asyncio.Event()
        async with asyncio.timeout(600):
            await self.bench.work(run_id=run_id, stop=stop, ended=lambda _: stop.set())
        return await self._scores(run_id, len(world.quality)), await self.bench.benchmarks.report(
            self.bench.tenant_id, run_id
        )

    async def _scores(self, run_id: UUID, cases: int) -> Floats:
        scores = np.full((cases, len(MODELS)), np.nan)
        places = {model.text: place for place, model in enumerate(MODELS)}
        async with self.bench.database.tenant(self.bench.tenant_id) as connection:
            for cell in await run_figures(connection, run_id):
                if cell.quality_score is not None:
                    scores[cell.test_case_index, places[cell.model_name]] = cell.quality_score
        return scores

    def mean_places(self, judge: ScriptedJudge) -> Floats:
        """(models,) where in the judge's work, 0-1, each model's answers came on average."""
        asked = np.array(self.stage.order[judge.name])
        return np.array([np.flatnonzero(asked == model).mean() / (asked.size - 1) for model in range(len(MODELS))])


@asynccontextmanager
async def wire() -> AsyncGenerator[Wire]:
    """An empty database, a model server, and everything between them."""
    stage = Stage()
    config = ServerConfig(reply=stage.answers, schema_reply=stage.judges_it)
    with temporary_home() as home, ModelServer(config) as server:
        env = clean_environment(home) | of_model_server(server.url)
        async with open_workbench(env=env) as bench:
            yield Wire(bench, stage)
