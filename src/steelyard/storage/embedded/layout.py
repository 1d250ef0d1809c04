"""Where the server's files live, and the record in the home that says so.

`<home>/postgres` holds `server.json` (this record), `password`, `lock`, and as a rule the place too:
`data`, `run` (the socket) and `log`. Root's home may be closed to the account the server runs as; the
place is then a folder of its own under /var/lib/steelyard, and the record names it.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steelyard.domain.errors import StorageError
from steelyard.storage.embedded.account import Account
from steelyard.storage.embedded.files import write_atomically

SYSTEM_PLACE = Path("/var/lib/steelyard" if sys.platform == "linux" else "/usr/local/var/steelyard")
LOCALHOST = "127.0.0.1"
# sun_path holds 108 bytes on Linux and 104 on macOS and the BSDs, with the closing NUL.
SOCKET_PATH_BYTES = 103
SOCKET_PORT = 5432


@dataclass(frozen=True)
class Layout:
    """The paths of one home; `host` is the socket folder or 127.0.0.1, `port` 0 when not chosen yet.

    `made`: a data folder was completed there once, so a missing one is a loss and not a beginning.
    """

    home: Path
    place: Path
    host: str
    port: int
    made: bool = False

    @property
    def folder(self) -> Path:
        return folder_of(self.home)

    @property
    def password_path(self) -> Path:
        return self.folder / "password"

    @property
    def data_dir(self) -> Path:
        return self.place / "data"

    @property
    def socket_dir(self) -> Path:
        return self.place / "run"

    @property
    def log_dir(self) -> Path:
        return self.place / "log"

    @property
    def start_log(self) -> Path:
        """What the server says before its own log opens."""
        return self.log_dir / "start.log"

    @property
    def over_socket(self) -> bool:
        return self.host != LOCALHOST

    @property
    def current_log(self) -> Path:
        """The log a person should read: the newest one."""
        logs = sorted(self.log_dir.glob("*.log"), key=lambda path: path.stat().st_mtime)
        return logs[-1] if logs else self.start_log

    def save(self) -> None:
        """Write the record, atomically."""
        # Nothing inside the home is named by its full path, so that the home can be moved.
        place = None if self.place == self.folder else str(self.place)
        record = {"format": 1, "place": place, "over_socket": self.over_socket, "port": self.port, "made": self.made}
        write_atomically(record_path(self.home), json.dumps(record, indent=1) + "\n")


def folder_of(home: Path) -> Path:
    return home / "postgres"


def record_path(home: Path) -> Path:
    return folder_of(home) / "server.json"


def lock_path(home: Path) -> Path:
    return folder_of(home) / "lock"


def stopped_path(home: Path) -> Path:
    """There while the server is down because a person asked for it."""
    return folder_of(home) / "stopped"


def recorded(home: Path) -> Layout | None:
    """The layout this home has, or None when nothing was set up here. Raises StorageError, OSError."""
    path = record_path(home)
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        place = Path(record["place"]) if record["place"] else folder_of(home)
        port, made = int(record["port"]), bool(record["made"])
        if not record["over_socket"]:
            return Layout(home, place, LOCALHOST, port, made)
        host = socket_host(place / "run")
        return Layout(home, place, host, SOCKET_PORT if host != LOCALHOST else 0, made)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{path} cannot be read: it is not the record Steelyard writes there.",
            kept="The data itself was not touched.",
            next_step="Delete that file if the data is in the same folder; else restore it from a backup.",
        ) from error


def establish(home: Path, account: Account) -> Layout:
    """Make the folders that are missing, choose the place and the way to connect, and record them.

    Call it with the lock held. Raises StorageError, OSError. No folder that existed before is given another mode.
    """
    layout = recorded(home)
    if layout is None:
        place = _choose_place(home, account)
        host = socket_host(place / "run")
        layout = Layout(home, place, host, SOCKET_PORT if host != LOCALHOST else 0)
        layout.save()
    _make_folders(layout, account)
    return layout


def make_home_folder(home: Path, *, as_root: bool) -> None:
    """Make `<home>/postgres`; root's are passable (0711), so that the server's account can reach its data."""
    mode = 0o711 if as_root else 0o700
    home.parent.mkdir(parents=True, exist_ok=True)
    for folder in (home, folder_of(home)):
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        folder.chmod(mode)


def socket_host(socket_dir: Path) -> str:
    """The socket folder where its path can be used for one, else 127.0.0.1."""
    path = str(socket_dir)
    length = len(os.fsencode(f"{path}/.s.PGSQL.{SOCKET_PORT}"))
    # libpq splits a host at commas.
    return LOCALHOST if length > SOCKET_PATH_BYTES or "," in path else path


def _choose_place(home: Path, account: Account) -> Path:
    folder = folder_of(home)
    if not account.switch or (folder / "data").exists() or account.can_traverse(folder):
        return folder
    return SYSTEM_PLACE / secrets.token_hex(8)


def _make_folders(layout: Layout, account: Account) -> None:
    if layout.place != layout.folder:
        make_system_folder(layout.place)
        owner_note = layout.place / "home"
        if not owner_note.exists():
            write_atomically(owner_note, f"{layout.home}\n")
    for folder in (layout.socket_dir, layout.log_dir):
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        if account.switch:
            os.chown(folder, account.uid, account.gid)


def make_system_folder(folder: Path) -> None:
    """Make a root-owned folder under SYSTEM_PLACE that others may pass through but not list."""
    SYSTEM_PLACE.parent.mkdir(parents=True, exist_ok=True)
    for step in (SYSTEM_PLACE, folder):
        try:
            step.mkdir(mode=0o700)
        except FileExistsError:
            continue
        step.chmod(0o711)
