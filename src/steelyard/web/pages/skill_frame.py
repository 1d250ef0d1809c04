"""The frame of a skill's tabs: which skill and version this is, what can be done with it, and where one can go.

A tab's template extends `skill/frame.html.jinja`, is given `frame`, and fills the block `tab`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from steelyard.services.catalogue import CatalogueRow
from steelyard.workbench import Workbench

Tab = Literal["details", "review", "suggestions", "benchmark"]


@dataclass(frozen=True)
class SkillFrame:
    """What surrounds a tab. `open_suggestions` is the number in the tab of that name, `waiting` that in the queue.

    `comparable`: two of its runs have ended.
    """

    skill: CatalogueRow
    tab: Tab
    open_suggestions: int
    waiting: int = 0
    comparable: bool = False


async def skill_frame(bench: Workbench, tenant_id: UUID, ref: str, tab: Tab) -> SkillFrame:
    """The frame around a tab of the skill of that name or id. Raises NotFound."""
    skill = await bench.catalogue.find(tenant_id, ref)
    suggestions = await bench.suggestions.counts(tenant_id, skill.id)
    waiting = await bench.case_queue.count(tenant_id, skill.id)
    comparable = await bench.history.some_to_compare(tenant_id, skill.id)
    return SkillFrame(skill, tab, suggestions.open, waiting, comparable)
