"""Fixtures of all tests, which of them are slow, and the order in which they run."""

from collections import Counter
from pathlib import Path

import pytest
from batchkit import Batches

ROOT = Path(__file__).parent
SAMPLED = frozenset((ROOT / "sampled.txt").read_text().split())
"""Parametrised tests that take seconds in all: `make test` runs every fifth case of each, from the
first on; the others are slow tests."""
EVERY = 5


@pytest.fixture(scope="session")
def batches(request):
    """Return what simulates the designs of several tests in one model."""
    return Batches(request.session)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the cases that sampling leaves to `make test-all`, and start with what takes longest.

    Both workers end together then.
    """
    seen = Counter()
    for item in items:
        test = f"{item.path.relative_to(ROOT).as_posix()}::{item.originalname}"
        if test in SAMPLED and item.get_closest_marker("slow") is None:
            if seen[test] % EVERY:
                item.add_marker(pytest.mark.slow)
            seen[test] += 1
    items.sort(key=lambda item: -_weight(item))


def _weight(item):
    return 2 * (item.get_closest_marker("xdist_group") is not None) + (
        item.get_closest_marker("slow") is not None
    )
