"""The data folder: made by initdb beside its place and moved in whole, configured anew at each start."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from steelyard.domain.errors import StorageError
from steelyard.storage.embedded.account import Account, initdb_account
from steelyard.storage.embedded.binaries import Installation
from steelyard.storage.embedded.files import sync_folder, write_atomically
from steelyard.storage.embedded.layout import LOCALHOST, Layout

SUPERUSER = "postgres"
DATABASE = "steelyard"

_DRAFT_PREFIX = "data.new-"

# For a small machine that also runs the work; answers are paid for, so every commit waits for the disk.
_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "min_wal_size": "48MB",
    "max_worker_processes": "4",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "1",
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "ssl": "off",
    "unix_socket_permissions": "0700",
    "cluster_name": "steelyard",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_filename": "server-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}


def data_major(data_dir: Path) -> int | None:
    """The major version that wrote the data, or None when there is no data yet. Raises StorageError."""
    try:
        text = (data_dir / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        if data_dir.exists():
            raise StorageError(
                f"{data_dir} is there but is no PostgreSQL data folder: it has no PG_VERSION.",
                kept="Nothing in it was touched.",
                next_step="Move that folder away, or restore it whole from a backup.",
            ) from None
        return None
    return int(text.split(".")[0])


def clear_drafts(layout: Layout) -> None:
    """Remove what killed starters left of their side folders. Call it with the lock held.

    A killed starter's initdb may still be filling one while it is removed: what it leaves goes at the next start.
    """
    for leftover in layout.place.glob(f"{_DRAFT_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def initialise(layout: Layout, installation: Installation, account: Account, *, timeout_s: float) -> None:
    """Make the data folder and the superuser's password. Call it with the lock held. Raises StorageError.

    initdb works in a side folder that takes the real name only when complete and synced, so a kill at
    any moment leaves at most a side folder, which a later start removes.
    """
    password = secrets.token_urlsafe(32)
    write_atomically(layout.password_path, password)

    maker = initdb_account(account)
    draft = layout.place / f"{_DRAFT_PREFIX}{secrets.token_hex(6)}"
    draft.mkdir(mode=0o700)
    try:
        write_atomically(draft / "password", password, uid=maker.owner)
        if maker.switch:
            os.chown(draft, maker.uid, maker.gid)
        _run_initdb(draft, installation, maker, timeout_s=timeout_s)
        if maker != account:
            _hand_over(draft / "data", account)
        os.rename(draft / "data", layout.data_dir)
        sync_folder(layout.place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def configure(layout: Layout, account: Account) -> None:
    """Write the server's settings and who may connect; both are ours, a person's own go in custom.conf."""
    local = {
        "port": str(layout.port),
        "listen_addresses": "" if layout.over_socket else LOCALHOST,
        "unix_socket_directories": _quoted_list_item(str(layout.socket_dir)) if layout.over_socket else "",
        "log_directory": str(layout.log_dir),
    }
    lines = ["# Written by Steelyard at each start. Your own settings belong in custom.conf beside this file."]
    lines += [f"{name} = {_quoted(value)}" for name, value in (_SETTINGS | local).items()]
    lines.append("include 'custom.conf'")
    write_atomically(layout.data_dir / "postgresql.conf", "\n".join(lines) + "\n", uid=account.owner)

    custom = layout.data_dir / "custom.conf"
    if not custom.exists():
        write_atomically(custom, "# Settings here win over postgresql.conf.\n", uid=account.owner)

    door = "local all all" if layout.over_socket else f"host all all {LOCALHOST}/32"
    write_atomically(
        layout.data_dir / "pg_hba.conf",
        f"# Written by Steelyard at each start.\n{door} scram-sha-256\n",
        uid=account.owner,
    )


def read_password(layout: Layout) -> str:
    """The superuser's password. Raises StorageError when its file is gone."""
    try:
        return layout.password_path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise StorageError(
            f"The password of the embedded database is missing: {layout.password_path} is not there.",
            kept=f"The data in {layout.data_dir} was not touched.",
            next_step="Restore that file from a backup, or set STEELYARD_HOME to a fresh folder to begin anew.",
        ) from None


def data_is_gone(layout: Layout) -> StorageError:
    """The error for a data folder that was there once: a fresh one in its stead would hide the loss."""
    return StorageError(
        f"The data of the embedded database is gone: {layout.data_dir} was made earlier and is not there.",
        kept="Nothing was made in its place.",
        next_step=f"Mount or restore that folder; to begin anew without it, delete {layout.folder}.",
    )


def _run_initdb(draft: Path, installation: Installation, maker: Account, *, timeout_s: float) -> None:
    # The builtin provider needs no locale of the system and sorts the same after its next upgrade.
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if installation.major >= 17 else []
    arguments: list[str | Path] = [
        installation.program("initdb"),
        f"--pgdata={draft / 'data'}",
        f"--pwfile={draft / 'password'}",
        f"--username={SUPERUSER}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        *locale,
        "--data-checksums",
        "--set=max_connections=60",
        "--set=shared_buffers=64MB",
    ]
    try:
        answer = maker.run(arguments, timeout_s=timeout_s)
    except subprocess.TimeoutExpired:
        raise StorageError(
            f"The embedded database could not be set up within {timeout_s:.0f} s.",
            kept="Nothing was left behind.",
            next_step="Try again when the machine is less busy, or set DATABASE_URL to a PostgreSQL of your own.",
        ) from None
    if "could not look up effective user ID" in answer.stderr:
        raise StorageError(
            f"The embedded database cannot be set up: uid {maker.uid} has no user name on this system.",
            kept="Nothing was left behind.",
            next_step="Add a line for that uid to /etc/passwd, or run as a named user, or set DATABASE_URL.",
        )
    if answer.returncode != 0:
        lines = [line.strip() for line in answer.stderr.splitlines() if line.strip()]
        said = " ".join(lines[-5:]) or f"initdb ended with {answer.returncode}."
        raise StorageError(
            f"The embedded database could not be set up: {said}",
            kept="Nothing was left behind.",
            next_step="Make room or set STEELYARD_HOME to a folder on another disk, or set DATABASE_URL.",
        )


def _hand_over(tree: Path, account: Account) -> None:
    for folder, _, names in os.walk(tree):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _quoted_list_item(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
