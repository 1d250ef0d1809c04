"""Feedback given by the form of the Details tab."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.integration.web.harness import Site
from tests.integration.web.made import content, made_skill

URL = "/skills/weigh/feedback"


async def skill(site: Site) -> UUID:
    return await made_skill(site.workbench, site.tenant_id, content("weigh"), 0)


@pytest.mark.parametrize(
    ("sent", "kind", "score"),
    [
        ({"kind": "thumb_up"}, "thumb_up", None),
        ({"kind": "thumb_down", "comment": "wrong unit", "rating": "9"}, "thumb_down", None),
        ({"kind": "rating", "rating": "7"}, "rating", 7),
        ({"kind": "training_example", "example_input": "2 lb", "expected_output": "907 g"}, "training_example", None),
    ],
)
async def test_each_kind_is_kept_with_the_version_it_is_of(
    site: Site, sent: dict[str, str], kind: str, score: int | None
) -> None:
    skill_id = await skill(site)
    answer = await site.post(URL, sent)
    assert answer.status_code == 303
    assert "The feedback is kept" in (await site.client.get(answer.headers["location"])).text
    (row,) = (await site.workbench.feedback.list(site.tenant_id, skill_id)).rows
    assert (row.feedback_type, row.quality_score) == (kind, score)
    current = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    assert row.skill_version_id == current.version_id


@pytest.mark.parametrize(
    "sent",
    [{}, {"kind": "rating", "rating": "11"}, {"kind": "rating", "rating": "good"}, {"kind": "training_example"}],
)
async def test_what_cannot_be_kept_is_refused_and_stays_in_the_form(site: Site, sent: dict[str, str]) -> None:
    skill_id = await skill(site)
    answer = await site.post(URL, {**sent, "comment": "because of <ounces>"})
    assert answer.status_code == 422
    assert "because of &lt;ounces&gt;" in answer.text
    assert not (await site.workbench.feedback.list(site.tenant_id, skill_id)).rows
