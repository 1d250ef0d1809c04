"""The floor: 50 workers on one pool of (answer, then judgement) cells over aiohttp, and nothing else.

`program_bare.py WORK.json`; see `benchmarks.peers.work`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp


async def _say(session: aiohttp.ClientSession, model: str, system: str, user: str) -> str:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    async with session.post("chat/completions", json={"model": model, "messages": messages}) as response:
        response.raise_for_status()
        return (await response.json())["choices"][0]["message"]["content"]


async def _main(work: dict[str, Any]) -> int:
    """Verdicts read."""
    cells = [(model, case) for model in work["models"] for case in work["cases"]]
    verdicts: list[dict[str, Any]] = []
    connector = aiohttp.TCPConnector(limit=work["concurrency"])
    async with aiohttp.ClientSession(f"{work['base_url']}/", connector=connector) as session:

        async def worker() -> None:
            while cells:
                model, case = cells.pop()
                answer = await _say(session, model, work["instructions"], case["prompt"])
                asked = f"{case['prompt']}\n\n{answer}\n\nExpected: {case['expected']}"
                verdicts.append(json.loads(await _say(session, work["judge"], work["rubric"], asked)))

        await asyncio.gather(*(worker() for _ in range(work["concurrency"])))
    return sum(found["pass"] for found in verdicts)


given = json.loads(Path(sys.argv[1]).read_text())
Path(given["report"]).write_text(json.dumps({"judged": asyncio.run(_main(given))}))
