"""What this installation is configured to do, told without a secret: for the settings page and its kin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from steelyard.providers.catalogue import CATALOGUE
from steelyard.providers.local import installed_models
from steelyard.providers.settings import PLACEHOLDER_KEY, Endpoint, ProviderSettings
from steelyard.services.run_request import DEFAULT_MARGIN, DEFAULT_MAX_TOKENS, DEFAULT_THRESHOLD

KeyState = Literal["found", "not needed", "missing"]


@dataclass(frozen=True)
class ProviderState:
    """One provider: whether a key is at hand, and the variable that holds or would hold it."""

    name: str
    kind: str
    base_url: str | None
    key: KeyState
    key_env: str


@dataclass(frozen=True)
class LocalModelState:
    """A local model: here already, or what fetching it takes (`must_accept`: where the terms to accept are)."""

    name: str
    installed: bool
    megabytes: int | None
    must_accept: str | None


@dataclass(frozen=True)
class Configuration:
    """Times in seconds, margin and threshold in points of quality, staleness in days."""

    providers: tuple[ProviderState, ...]
    local_models: tuple[LocalModelState, ...]
    margin: float
    threshold: float
    max_tokens: int
    concurrency: int
    attempt_timeout_s: float
    deadline_s: float
    stale_after_days: int
    home: Path
    settings_file: Path
    settings_file_exists: bool
    database: Literal["embedded", "external"]


def describe(settings: ProviderSettings, *, concurrency: int, embedded: bool) -> Configuration:
    """What `settings` say. Reads the disk for local models; never holds a key's value."""
    home = settings.home
    here = installed_models(home) if settings.local else ()
    providers = tuple(
        ProviderState(
            name=endpoint.name,
            kind=endpoint.kind,
            base_url=_without_secrets(endpoint.base_url),
            key=_key_state(endpoint),
            key_env=endpoint.key_env,
        )
        for endpoint in settings.endpoints.values()
    )
    local = tuple(
        LocalModelState(
            name=name,
            installed=name in here,
            megabytes=CATALOGUE[name].megabytes if name in CATALOGUE else None,
            must_accept=CATALOGUE[name].must_accept if name in CATALOGUE else None,
        )
        for name in sorted({*here, *(CATALOGUE if settings.local else ())}, key=lambda name: (name not in here, name))
    )
    file = home / "settings.toml"
    return Configuration(
        providers=providers,
        local_models=local,
        margin=DEFAULT_MARGIN,
        threshold=DEFAULT_THRESHOLD,
        max_tokens=DEFAULT_MAX_TOKENS,
        concurrency=concurrency,
        attempt_timeout_s=settings.calls.attempt_timeout_s,
        deadline_s=settings.calls.deadline_s,
        stale_after_days=settings.stale_after_days,
        home=home,
        settings_file=file,
        settings_file_exists=file.is_file(),
        database="embedded" if embedded else "external",
    )


def _key_state(endpoint: Endpoint) -> KeyState:
    if endpoint.api_key == PLACEHOLDER_KEY:
        return "not needed"
    return "found" if endpoint.usable else "missing"


def _without_secrets(url: str | None) -> str | None:
    """An address without the user, password and query it may carry."""
    if url is None:
        return None
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
