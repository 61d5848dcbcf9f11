"""Fixtures of all tests, which of them are slow, and the order in which they run."""

import os
from collections import Counter
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

# Two workers share two cores: threads of linear algebra would only wait for each other.
for library in ("OMP", "OPENBLAS"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

ROOT = Path(__file__).parent
SAMPLED = frozenset((ROOT / "sampled.txt").read_text().split())
"""Parametrised tests that take seconds in all: `make test` runs every fifth case of each, from the
first on; the others are slow tests."""
EVERY = 5
ONE_FIXTURE = ("tests/flow/test_tops.py", "tests/flow/test_virtual_board.py")
"""Files whose tests all ask what one fixture builds."""


class ByFixture(LoadScopeScheduling):
    """Sends the tests of a file with one fixture to the same worker.

    xdist's own groups travel in a private member of pytest's items that pytest 9.2 no longer has:
    there ``--dist loadgroup`` parts the groups without a word.
    """

    def _split_scope(self, nodeid):
        path = nodeid.partition("::")[0]
        return path if path in ONE_FIXTURE else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Return the scheduler for ``-n``."""
    return ByFixture(config, log)


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
