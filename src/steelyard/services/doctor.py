"""What `steelyard doctor` looks at: the home, the database and its schema, providers' keys, local models, prices."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from steelyard.domain.errors import SettingsError, SteelyardError, StorageError
from steelyard.providers.local import installed_models
from steelyard.providers.settings import load_settings
from steelyard.storage import embedded
from steelyard.storage.migrate import SchemaState, schema_state
from steelyard.storage.server import DATABASE_URL, check_schema, embedded_server, external_server

LOW_DISK_BYTES = 1 << 30


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `next_step` is given for what is not "ok"."""

    level: Literal["ok", "warning", "error"]
    what: str
    next_step: str | None = None


def examine(home: Path, env: Mapping[str, str]) -> list[Finding]:
    """Everything found, in the order it matters. Changes nothing and starts nothing. Blocking."""
    found = [Finding("ok", f"Python {platform.python_version()} on {platform.platform(terse=True)}")]
    found += _home(home)
    try:
        external = external_server(env)
    except SettingsError as error:
        found.append(_problem(error))
    else:
        found += _embedded(home) if external is None else _external(external.dsn)
    found += _providers(home, env)
    found += _local(home)
    return found


def _home(home: Path) -> Iterator[Finding]:
    nearest = next(path for path in (home, *home.parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        yield Finding("error", f"{home} cannot be written to.", "Set STEELYARD_HOME to a folder of your own.")
        return
    free = shutil.disk_usage(nearest).free
    state = "exists" if home.exists() else "will be made on first use"
    if free < LOW_DISK_BYTES:
        yield Finding("warning", f"{home}: only {free / 1e6:,.0f} MB are free on its disk.", "Make room.")
    else:
        yield Finding("ok", f"Home {home} {state}; {free / 1e9:,.0f} GB free")


def _embedded(home: Path) -> Iterator[Finding]:
    status = embedded.status(home)
    for problem in status.problems:
        yield Finding("error", problem.message, problem.next_step)
    if status.problems:
        return
    if not status.running:
        version = status.installed_version or "?"
        yield Finding("ok", f"Embedded PostgreSQL {version} is not running; it starts with the next command")
        return
    size = "" if status.disk_bytes is None else f", {status.disk_bytes / 1e6:,.0f} MB"
    yield Finding(
        "ok", f"Embedded PostgreSQL {status.server_version} runs (pid {status.pid}{size}) in {status.data_dir}"
    )
    try:
        yield _schema(schema_state(embedded_server(home).admin_dsn))
    except StorageError as error:
        yield _problem(error)


def _external(dsn: str) -> Iterator[Finding]:
    try:
        state = schema_state(dsn, as_app=True)
        yield Finding("ok", f"{DATABASE_URL} is set, and the server answers")
        yield _schema(state)
    except StorageError as error:
        yield _problem(error)


def _schema(state: SchemaState) -> Finding:
    check_schema(state)
    return Finding("ok", f"Schema {state.current}, as this version needs it")


def _providers(home: Path, env: Mapping[str, str]) -> Iterator[Finding]:
    try:
        settings = load_settings(home, env)
    except SteelyardError as error:
        yield _problem(error)
        return
    for endpoint in settings.endpoints.values():
        at = f" at {endpoint.base_url}" if endpoint.base_url else ""
        if endpoint.usable:
            yield Finding("ok", f"Provider {endpoint.name}{at}: ready")
        else:
            yield Finding("warning", f"Provider {endpoint.name}{at}: no key", f"Set {endpoint.key_env} to use it.")


def _local(home: Path) -> Iterator[Finding]:
    if importlib.util.find_spec("xllamacpp") is None:
        yield Finding("warning", "The local runtime is not installed", "pip install 'steelyard[local]'")
        return
    models = installed_models(home)
    if models:
        yield Finding("ok", f"Local models: {', '.join(models)}")
    else:
        yield Finding("warning", "No local model is installed", "Run `steelyard models install smollm2-135m`.")


def _problem(error: SteelyardError) -> Finding:
    step = error.next_step
    # Whoever reads this has run it.
    return Finding("error", error.message, None if step and "steelyard doctor" in step else step)
