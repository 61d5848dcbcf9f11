"""Paths of the files that ship beside the code: `templates/`, `sim/` and `boards/`.

An installed wheel carries them under `locgen/_data`; a checkout or editable install has them at its
root.
"""

from pathlib import Path

__all__ = ["resource"]

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """Return the path of a shipped file or folder such as ``"boards"`` or ``"templates/x.j2"``.

    Raises
    ------
    FileNotFoundError
        If the installation is incomplete.
    """
    for root in (_PACKAGE / "_data", _PACKAGE.parent):
        path = root / name
        if path.exists():
            return path
    raise FileNotFoundError(f"locgen's own file {name!r} is missing: reinstall locgen")
