"""Progress of a build: callbacks that receive what starts now."""

from collections.abc import Callable

__all__ = ["ProgressCallback"]

ProgressCallback = Callable[[str], None]
"""Receives, in a few words, what starts now."""
