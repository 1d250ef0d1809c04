# pyright: basic, reportMissingImports=false
"""The work in Inspect: `program_inspect.py WORK.json`, run by an environment that has it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import get_model
from inspect_ai.scorer import model_graded_qa
from inspect_ai.solver import generate, system_message


def _main(work: dict[str, Any]) -> None:
    def model(name: str) -> Any:
        return get_model(f"openai/{name}", base_url=work["base_url"], api_key="benchmark", responses_api=False)

    samples = [
        Sample(id=case["id"] + 1, input=case["prompt"], target=f"{case['expected']} {work['rubric']}")
        for case in work["cases"]
    ]
    logs = eval(
        Task(
            dataset=MemoryDataset(samples, name="weigh"),
            solver=[system_message(work["instructions"]), generate()],
            scorer=model_graded_qa(model=model(work["judge"])),
        ),
        model=[model(name) for name in work["models"]],
        max_connections=work["concurrency"],
        max_samples=work["concurrency"],
        max_tasks=1,
        log_dir=work["folder"],
        display="none",
    )
    judged = sum(len(sample.scores or {}) for log in logs for sample in log.samples or [])
    Path(work["report"]).write_text(json.dumps({"judged": judged}))


_main(json.loads(Path(sys.argv[1]).read_text()))
