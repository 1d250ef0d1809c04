"""The whole database in one file, and back: `pg_dump` and `pg_restore` inside a file that can be checked."""

from steelyard.storage.backup.file import Manifest
from steelyard.storage.backup.restoring import Restored, restore
from steelyard.storage.backup.taking import Taken, back_up

__all__ = ["Manifest", "Restored", "Taken", "back_up", "restore"]
