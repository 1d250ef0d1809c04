"""What each operation of the API asks of whoever sends the request: one line a route, beside the pages'."""

from __future__ import annotations

from collections.abc import Mapping

from steelyard.domain.access import Action

API_ACCESS: Mapping[str, Action] = {
    "GET /v1/openapi.json": Action.READ,
    "GET /v1/runs": Action.READ,
    "GET /v1/runs/{run_id}": Action.READ,
    "POST /v1/runs/{run_id}/cancel": Action.RUN,
    "GET /v1/runs/{run_id}/cases": Action.READ,
    "GET /v1/runs/{run_id}/cases/{number}": Action.READ,
    "GET /v1/runs/{run_id}/cells": Action.READ,
    "GET /v1/runs/{run_id}/comparison": Action.READ,
    "GET /v1/runs/{run_id}/events": Action.READ,
    "GET /v1/runs/{run_id}/outputs/{output_id}": Action.READ,
    "GET /v1/runs/{run_id}/prices": Action.READ,
    "GET /v1/runs/{run_id}/progress": Action.READ,
    "POST /v1/runs/{run_id}/resume": Action.RUN,
    "POST /v1/feedback": Action.GIVE_FEEDBACK,
    "POST /v1/lint": Action.WRITE_SKILLS,
    "POST /v1/measurements": Action.SEND_USES,
    "GET /v1/skills": Action.READ,
    "POST /v1/skills": Action.WRITE_SKILLS,
    "GET /v1/skills/{skill}": Action.READ,
    "DELETE /v1/skills/{skill}": Action.WRITE_SKILLS,
    "GET /v1/skills/{skill}/case-health": Action.READ,
    "GET /v1/skills/{skill}/cost-trend": Action.READ,
    "GET /v1/skills/{skill}/feedback": Action.READ,
    "GET /v1/skills/{skill}/production": Action.READ,
    "GET /v1/skills/{skill}/quality": Action.READ,
    "GET /v1/skills/{skill}/runs": Action.READ,
    "GET /v1/skills/{skill}/staleness": Action.READ,
    "PUT /v1/skills/{skill}/staleness/limit": Action.SET_STALENESS,
    "GET /v1/skills/{skill}/stats": Action.READ,
    "GET /v1/skills/{skill}/verdict": Action.READ,
    "GET /v1/skills/{skill}/versions": Action.READ,
    "POST /v1/skills/{skill}/versions": Action.WRITE_SKILLS,
    "POST /v1/skills/{skill}/versions/draft": Action.WRITE_SKILLS,
    "GET /v1/skills/{skill}/versions/{version}": Action.READ,
    "GET /v1/skills/{skill}/versions/{version}/changes": Action.READ,
    "POST /v1/skills/{skill}/versions/{version}/current": Action.WRITE_SKILLS,
    "POST /v1/skills/{skill}/versions/{version}/discard": Action.WRITE_SKILLS,
    "GET /v1/skills/{skill}/versions/{version}/file": Action.READ,
    "GET /v1/stale": Action.READ,
    "POST /v1/traces": Action.SEND_USES,
}
