"""The last benchmark of a skill once more, for what speaks against it."""

from __future__ import annotations

from uuid import UUID

from steelyard.domain.stale_causes import CauseKind
from steelyard.services.catalogue import CatalogueRow
from steelyard.services.run_request import RunRequest
from steelyard.services.stale_check import StaleChecks


async def once_more(
    checks: StaleChecks, tenant_id: UUID, row: CatalogueRow, kind: CauseKind | None, *, triggered_by: str = "web"
) -> RunRequest:
    """The run on today's skill and cases, because of one kind of cause, else of all that the skill's own row knows of.

    Raises NotFound where there was none, InputError and its kin.
    """
    kinds = [CauseKind(cause.kind) for cause in row.stale] if kind is None else [kind]
    return await checks.request(tenant_id, row.id, kinds, triggered_by=triggered_by)
