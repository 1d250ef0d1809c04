"""pg_dump and pg_restore, of the server's own version where there is one; a password never stands in an argument."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from steelyard.domain.errors import StorageError
from steelyard.storage.embedded.account import Account, clean_environment
from steelyard.storage.embedded.binaries import Installation, find

_CHUNK = 1 << 20


def tools_for(server_version: int) -> Installation:
    """Programs that read a server of `server_version` (as 180004). Raises StorageError when all are older than it."""
    here = Account(os.geteuid(), os.getegid(), switch=False)
    major = server_version // 10_000
    with suppress(StorageError):
        return find(here, major=major)
    found = find(here, major=None)
    if found.major < major:
        raise StorageError(
            f"The server is PostgreSQL {major}, and the programs at hand are of version {found.version}, which cannot"
            " read it.",
            kept="Nothing was changed.",
            next_step=f"Set STEELYARD_POSTGRES_BIN to the bin folder of a PostgreSQL {major} or newer.",
        )
    return found


def dumped(tools: Installation, dsn: str, snapshot: str) -> Iterator[bytes]:
    """The archive pg_dump makes of the database as of `snapshot`, in chunks. Raises StorageError at its end."""
    command = _command(
        tools.program("pg_dump"), dsn, "--format=custom", "--compress=gzip:6", "--no-owner", f"--snapshot={snapshot}"
    )
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - a program of PostgreSQL, its arguments our own
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env=_environment(dsn)
        )
        try:
            assert process.stdout is not None
            while part := process.stdout.read(_CHUNK):
                yield part
            if process.wait() != 0:
                raise _failed("The database could not be read", said, "The database was only read.")
        finally:
            _end(process)


def load(tools: Installation, dsn: str, archive: Iterable[bytes]) -> None:
    """Give an archive to pg_restore, in one transaction. Raises StorageError; nothing is kept of it then."""
    command = _command(
        tools.program("pg_restore"), dsn, "--no-owner", "--exit-on-error", "--single-transaction", "--format=custom"
    )
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - a program of PostgreSQL, its arguments our own
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, env=_environment(dsn)
        )
        try:
            assert process.stdin is not None
            # A program that ended early says why below.
            with suppress(BrokenPipeError):
                for part in archive:
                    process.stdin.write(part)
                process.stdin.close()
            if process.wait() != 0:
                raise _failed("The backup could not be restored", said, "Nothing of it was kept.")
        finally:
            _end(process)


def _command(program: Path, dsn: str, *options: str) -> Sequence[str]:
    parts = {name: value for name, value in conninfo_to_dict(dsn).items() if name != "password"}
    return [str(program), *options, f"--dbname={make_conninfo('', **parts)}"]


def _environment(dsn: str) -> dict[str, str]:
    """What a connection may need (certificates, password files), and of API keys nothing."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PG") or name == "HOME"}
    password = conninfo_to_dict(dsn).get("password")
    return clean_environment() | kept | ({"PGPASSWORD": str(password)} if password else {})


def _failed(what: str, said: IO[bytes], kept: str) -> StorageError:
    said.seek(0)
    lines = [line.strip() for line in said.read().decode(errors="replace").splitlines() if line.strip()]
    # The first says what went wrong; what follows repeats the statement, and perhaps somebody's data.
    why = lines[0] if lines else "the program ended without a word"
    return StorageError(f"{what}: {why[:300]}", kept=kept, next_step="Run `steelyard doctor`, then try it again.")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):
            if stream is not None:
                stream.close()
    process.wait()
