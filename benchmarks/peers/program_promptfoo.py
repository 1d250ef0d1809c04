"""The work in promptfoo: `program_promptfoo.py WORK.json NODE ENTRY` writes its configuration and becomes it."""

import json
import os
import sys
from typing import Any


def provider(work: dict[str, Any], model: str) -> dict[str, Any]:
    return {"id": f"openai:chat:{model}", "config": {"apiBaseUrl": work["base_url"], "apiKey": "benchmark"}}


file, node, entry = sys.argv[1:]
with open(file) as opened:
    work = json.load(opened)
messages = [{"role": "system", "content": work["instructions"]}, {"role": "user", "content": "{{prompt}}"}]
config = {
    "description": "weigh",
    "prompts": [json.dumps(messages)],
    "providers": [provider(work, model) for model in work["models"]],
    "defaultTest": {
        "options": {"provider": provider(work, work["judge"])},
        "assert": [{"type": "llm-rubric", "value": f"{work['rubric']} Expected: {{{{expected}}}}"}],
    },
    "tests": [{"vars": {"prompt": case["prompt"], "expected": case["expected"]}} for case in work["cases"]],
}
path = os.path.join(work["folder"], "promptfooconfig.json")
with open(path, "w") as opened:
    json.dump(config, opened)
options = ["--max-concurrency", str(work["concurrency"]), "--no-cache", "--no-table", "--no-progress-bar", "--no-share"]
os.execv(node, [node, entry, "eval", "--config", path, *options, "--output", work["report"]])
