"""/v1/skills/{skill}/versions: a skill's versions, their files, what changed, and drafts beside the one in use."""

from __future__ import annotations

import base64
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from pydantic import Field

from steelyard.api.deps import DEFAULT_LIMIT, After, Bench, Limit, SkillRef, Tenant, VersionRef, Who, who_of
from steelyard.api.fields import Bytes, Count, Digest, Given, Id, Moment, Page, Shown, SkillName
from steelyard.api.operation import Operations, json_of
from steelyard.api.paging import newest_first, window
from steelyard.api.skill_files import PACKED, Source, given_skill
from steelyard.api.skills import Remark
from steelyard.domain.access import Action
from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.reviews import ReviewEdit
from steelyard.services.catalogue import CatalogueRow
from steelyard.workbench import Workbench

operation = Operations("versions")


class Version(Shown):
    """One version of a skill: its text under one digest. A draft was never in use."""

    id: Id
    digest: Digest
    created_at: Moment
    current: Annotated[bool, Field(description="It is the version in use.")]
    files: Count
    size: Bytes
    runs: Annotated[Count, Field(description="Benchmark runs of it.")]
    last_run: Annotated[Id | None, Field(description="The newest that was completed.")]
    draft: bool
    draft_by: str | None
    draft_why: str | None
    discarded: bool


class VersionFile(Shown):
    """A file of a version."""

    path: Annotated[str, Field(examples=["references/fields.md"])]
    size: Bytes


class VersionDetail(Version):
    """A version with what a model gets of it and what the linter says."""

    skill: SkillName
    prompt: Annotated[str, Field(description="What a model gets as the skill.", examples=["Reply by JSON."])]
    frontmatter: dict[str, Any]
    references_cut: Annotated[list[str], Field(description="References that the limit of length left out.")]
    remarks: list[Remark]
    paths: list[VersionFile]


class FileContent(VersionFile):
    """One file: as text, `cut` where it is longer than a million characters; in base64 where it is none."""

    text: Annotated[str | None, Field(examples=["Reply by JSON.\n"])]
    base64: str | None
    cut: bool


class Line(Shown):
    """One line; its numbers count from 1 and are null on the side it is not on."""

    kind: Annotated[str, Field(description="same, removed or added.", examples=["added"])]
    old_number: int | None
    new_number: int | None
    text: str


class Hunk(Shown):
    """Changed lines with up to three unchanged ones around them."""

    header: Annotated[str, Field(examples=["@@ -1,4 +1,5 @@"])]
    lines: list[Line]


class FileChange(Shown):
    """One changed file; a binary file and one too large have no hunks. `added` and `removed` count lines."""

    path: str
    change: Annotated[str, Field(description="added, removed or changed.", examples=["changed"])]
    shown: Annotated[str, Field(description="text, binary or too_large (or too much, with others).", examples=["text"])]
    old_size: Bytes | None
    new_size: Bytes | None
    added: Count
    removed: Count
    hunks: list[Hunk]


class Changes(Shown):
    """What changed from one version to another; `left_out` counts files past the 200 that are shown."""

    before: Digest
    after: Digest
    added: Count
    removed: Count
    files: list[FileChange]
    left_out: Count


class Edit(Given):
    """A text to be replaced: `now` as it stands in the file `where`, by `proposed`."""

    where: Annotated[str, Field(max_length=1_000, examples=["SKILL.md"])]
    now: Annotated[str, Field(max_length=500_000, examples=["Reply by JSON."])]
    proposed: Annotated[str, Field(max_length=500_000, examples=["Reply by JSON alone."])]
    why: Annotated[str, Field(max_length=2_000)] = ""


class NewDraft(Given):
    """A draft of a skill: edits of the version in use, those of a review, or a whole text of its SKILL.md."""

    text: Annotated[str | None, Field(description="SKILL.md as it is to be.", examples=[None])] = None
    edits: Annotated[tuple[Edit, ...], Field(max_length=200)] = ()
    review: Annotated[Id | None, Field(description="A review of the skill whose edits are taken.")] = None
    places: Annotated[
        list[int] | None, Field(description="Which of the review's edits, from 0; all without.", max_length=200)
    ] = None
    why: Annotated[str, Field(max_length=2_000, examples=["It replied with a sentence before the JSON."])] = ""


async def version_in(bench: Workbench, tenant_id: UUID, skill: str, version: str) -> VersionDetail:
    """The version of a skill whose digest or id starts so. Raises NotFound."""
    row = await bench.catalogue.find(tenant_id, skill)
    line = await bench.versions.find(tenant_id, row.id, version)
    kept = await bench.versions.get(tenant_id, line.id)
    return VersionDetail(
        **{name: getattr(line, name) for name in Version.model_fields},
        skill=row.name,
        prompt=kept.prompt,
        frontmatter=dict(kept.frontmatter),
        references_cut=list(kept.references_cut),
        remarks=[Remark.model_validate(dict(one)) for one in kept.lint],
        paths=[VersionFile.of(one) for one in await bench.versions.files(tenant_id, line.id)],
    )


async def version_of(bench: Workbench, tenant_id: UUID, version_id: UUID) -> VersionDetail:
    """The version of that id. Raises NotFound."""
    skill_id = (await bench.versions.get(tenant_id, version_id)).skill_id
    return await version_in(bench, tenant_id, str(skill_id), str(version_id))


async def version_in_use(bench: Workbench, tenant_id: UUID, skill_id: UUID) -> VersionDetail:
    """The version of the skill that is in use. Raises NotFound."""
    row = await bench.catalogue.find(tenant_id, str(skill_id))
    return await version_of(bench, tenant_id, row.version_id)


@operation("GET", "/v1/skills/{skill}/versions", answers=Page[Version])
async def list_versions(
    bench: Bench, tenant: Tenant, skill: SkillRef, after: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[Version]:
    """A skill's versions and drafts, the newest first."""
    row = await bench.catalogue.find(tenant, skill)
    lines = await bench.versions.list(tenant, row.id)
    shown, token = window(lines, lambda one: newest_first(one.created_at, one.id), after, limit)
    return Page[Version](items=[Version.of(one) for one in shown], next=token)


@operation(
    "POST", "/v1/skills/{skill}/versions", answers=VersionDetail, status=201, again=version_in_use, takes_others=PACKED
)
async def create_version(
    bench: Bench, tenant: Tenant, who: Who, skill: SkillRef, body: Annotated[Source, Depends(given_skill)]
) -> VersionDetail:
    """Add a new version of a skill and put it in use, with the golden cases of its folder.

    It has to name itself as the skill does. An earlier text becomes that version again. Cases of the folder that are
    not among those sent are retired; without any file of cases all stay. What an admin decided on one of them by hand
    stays where the key may not decide: another text of it waits.
    """
    row = await bench.catalogue.find(tenant, skill)
    loaded = await body.loaded(row.name)
    if loaded.content.name != row.name:
        raise InputError(
            f"The text names itself '{loaded.content.name}'; it would be a version of '{row.name}'.",
            field="name",
            kept="Nothing was changed.",
            next_step="Correct the name in its frontmatter, or add it as a skill of its own.",
        )
    decides = who.may(Action.DECIDE_CASES)
    kept = await bench.skills.add(tenant, loaded.content, loaded.told_cases, decides=decides)
    return await version_of(bench, tenant, kept.version_id)


@operation(
    "POST", "/v1/skills/{skill}/versions/draft", answers=VersionDetail, status=201, again=version_of, errors=(409,)
)
async def create_draft_version(
    bench: Bench, tenant: Tenant, who: Who, skill: SkillRef, body: Annotated[NewDraft, Depends(json_of(NewDraft))]
) -> VersionDetail:
    """Keep an edit as a draft beside the version in use, to be benchmarked first.

    Refused with 409 where its text is a version already.
    """
    row = await bench.catalogue.find(tenant, skill)
    edits = [ReviewEdit(one.where, one.now, one.proposed, one.why) for one in body.edits]
    if body.review is not None:
        edits = [*await _edits_of(bench, tenant, row, body.review, body.places), *edits]
    draft_id = await bench.draft_versions.keep(tenant, row.id, edits, body.text, who=who_of(who), why=body.why)
    return await version_of(bench, tenant, draft_id)


@operation("GET", "/v1/skills/{skill}/versions/{version}", answers=VersionDetail)
async def get_version(bench: Bench, tenant: Tenant, skill: SkillRef, version: VersionRef) -> VersionDetail:
    """One version: its prompt, its files without their contents, and what the linter says."""
    return await version_in(bench, tenant, skill, version)


@operation("GET", "/v1/skills/{skill}/versions/{version}/file", answers=FileContent)
async def get_version_file(
    bench: Bench,
    tenant: Tenant,
    skill: SkillRef,
    version: VersionRef,
    path: Annotated[str, Query(max_length=1_000, examples=["SKILL.md"])],
) -> FileContent:
    """One file of a version."""
    row = await bench.catalogue.find(tenant, skill)
    line = await bench.versions.find(tenant, row.id, version)
    file = await bench.versions.file(tenant, line.id, path)
    data = None
    if file.text is None:
        data = base64.b64encode(await bench.versions.download(tenant, line.id, path)).decode()
    return FileContent(path=file.path, size=file.size, text=file.text, base64=data, cut=file.cut)


@operation("GET", "/v1/skills/{skill}/versions/{version}/changes", answers=Changes)
async def get_version_changes(
    bench: Bench,
    tenant: Tenant,
    skill: SkillRef,
    version: VersionRef,
    since: Annotated[
        str, Query(max_length=64, description="The start of the digest of the version to compare it with, or its id.")
    ],
) -> Changes:
    """What changed from another version of the skill to this one."""
    row = await bench.catalogue.find(tenant, skill)
    before = await bench.versions.find(tenant, row.id, since)
    after = await bench.versions.find(tenant, row.id, version)
    diff = await bench.versions.diff(tenant, before.id, after.id)
    return Changes(
        before=before.digest,
        after=after.digest,
        added=diff.added,
        removed=diff.removed,
        files=[FileChange.of(one) for one in diff.files],
        left_out=diff.left_out,
    )


@operation("POST", "/v1/skills/{skill}/versions/{version}/current", answers=VersionDetail)
async def make_version_current(bench: Bench, tenant: Tenant, skill: SkillRef, version: VersionRef) -> VersionDetail:
    """Put a version in use, a draft or an earlier one. Golden cases stay as they are."""
    row = await bench.catalogue.find(tenant, skill)
    line = await bench.versions.make_current(tenant, row.id, version)
    return await version_of(bench, tenant, line.id)


@operation("POST", "/v1/skills/{skill}/versions/{version}/discard", answers=VersionDetail, errors=(409,))
async def discard_draft_version(bench: Bench, tenant: Tenant, skill: SkillRef, version: VersionRef) -> VersionDetail:
    """Put a draft aside; its runs and their answers stay."""
    row = await bench.catalogue.find(tenant, skill)
    line = await bench.versions.find(tenant, row.id, version)
    await bench.draft_versions.discard(tenant, row.id, str(line.id))
    return await version_of(bench, tenant, line.id)


async def _edits_of(
    bench: Workbench, tenant_id: UUID, row: CatalogueRow, review_id: UUID, places: list[int] | None
) -> list[ReviewEdit]:
    """Raises NotFound, also for a review of another skill; InputError."""
    found = await bench.reviews.get(tenant_id, review_id)
    if found.skill_id != row.id:
        raise NotFound("No such review of this skill.")
    chosen = range(len(found.edits)) if places is None else places
    if any(not 0 <= place < len(found.edits) for place in chosen):
        raise InputError(f"The review has {len(found.edits)} edits, counted from 0.", field="places")
    return [ReviewEdit(**found.edits[place]) for place in dict.fromkeys(chosen)]
