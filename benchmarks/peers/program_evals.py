# pyright: basic, reportMissingImports=false
"""The work in pydantic-evals: `program_evals.py WORK.json`, run by an environment that has it.

`layout` of the work: `apart` is a data set evaluated once for each model, as its documentation shows; `together` is
one data set that holds every (model, case) pair, which leaves no pause between models.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import LLMJudge


async def _main(work: dict[str, Any]) -> int:
    """Verdicts in the reports."""
    provider = OpenAIProvider(base_url=work["base_url"], api_key="benchmark")
    agents = {
        name: Agent(OpenAIChatModel(name, provider=provider), system_prompt=work["instructions"])
        for name in work["models"]
    }
    judge = LLMJudge(
        rubric=work["rubric"],
        model=OpenAIChatModel(work["judge"], provider=provider),
        include_input=True,
        include_expected_output=True,
    )
    together = work["layout"] == "together"
    groups = [work["models"]] if together else [[name] for name in work["models"]]
    judged = 0
    for group in groups:
        cases = [
            Case(
                name=f"{name} {case['id']}",
                # The task is given only the input, so a pair's model travels in it.
                inputs={"model": name, "prompt": case["prompt"]} if together else case["prompt"],
                expected_output=case["expected"],
            )
            for name in group
            for case in work["cases"]
        ]

        async def task(inputs: Any, model: str = group[0]) -> str:
            name, prompt = (inputs["model"], inputs["prompt"]) if together else (model, inputs)
            return (await agents[name].run(prompt)).output

        dataset = Dataset(name="weigh", cases=cases, evaluators=[judge])
        report = await dataset.evaluate(task, max_concurrency=work["concurrency"], progress=False)
        judged += sum(len(case.assertions) for case in report.cases)
    return judged


given = json.loads(Path(sys.argv[1]).read_text())
Path(given["report"]).write_text(json.dumps({"judged": asyncio.run(_main(given))}))
