"""Keeps what tools made, so that the same inputs are not built twice.

A key is the SHA-256 of everything a product depends on: sources, constraints, options, and the
identity of the tool. Entries lie in ``$LOCGEN_CACHE`` or the user's cache folder and appear at
once or not at all, so that several builds can share them. Losing the folder costs time only.
"""

import hashlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["cache_folder", "cached", "key_of"]

logger = logging.getLogger("locgen.cache")

# A product of ours is 1 to 10 MB, so that the folder stays below a few gigabytes.
_ENTRIES = 256


def cache_folder() -> Path:
    """Return the folder of the build cache, whether or not it exists yet."""
    if os.environ.get("LOCGEN_CACHE"):
        return Path(os.environ["LOCGEN_CACHE"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "locgen"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", str(Path.home() / "AppData" / "Local"))
        return Path(local) / "locgen" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "locgen"


def key_of(*parts: str | bytes) -> str:
    """Return the SHA-256 of `parts`, each with its length, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(f"{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()


def cached(
    key: str,
    names: Sequence[str],
    out: Path,
    produce: Callable[[], None],
    *,
    use_cache: bool = True,
) -> bool:
    """Put the files `names` into the folder `out`: from the cache, or by calling `produce`.

    Parameters
    ----------
    key : str
        From `key_of`.
    names : sequence of str
        File names, relative to `out`, that `produce` writes; all of them must exist afterwards.
    out : Path
        Folder; it exists.
    produce : callable
        Makes the files. What it raises passes through and nothing is kept.
    use_cache : bool
        False neither looks nor keeps.

    Returns
    -------
    bool
        True if the files came from the cache.
    """
    entry = cache_folder() / key[:2] / key
    if use_cache and all((entry / name).is_file() for name in names):
        for name in names:
            _copy(entry / name, out / name)
        os.utime(entry)
        logger.info("%s: taken from the build cache", ", ".join(names))
        return True
    produce()
    if use_cache:
        try:
            _keep(entry, names, out)
        except OSError as error:  # a full or read-only disk must not cost the user the build
            logger.info("the build cache could not be written: %s", error)
    return False


def _copy(source: Path, target: Path) -> None:
    """Copy so that `target` is never seen half written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
        temporary = Path(file.name)
    shutil.copyfile(source, temporary)
    temporary.chmod(0o644)
    temporary.replace(target)


def _keep(entry: Path, names: Sequence[str], out: Path) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=entry.parent, prefix=".new-"))
    try:
        for name in names:
            _copy(out / name, temporary / name)
        if entry.exists():  # made by another build meanwhile, or incomplete
            shutil.rmtree(entry)
        temporary.rename(entry)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    entries = sorted(cache_folder().glob("??/*"), key=lambda path: path.stat().st_mtime)
    for old in entries[:-_ENTRIES]:
        shutil.rmtree(old, ignore_errors=True)
