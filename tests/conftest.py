"""Fixtures of all tests, and the order in which they run."""

import pytest
from batchkit import Batches


@pytest.fixture(scope="session")
def batches(request):
    """Return what simulates the designs of several tests in one model."""
    return Batches(request.session)


def pytest_collection_modifyitems(items):
    """Start with what takes longest, so that both workers end together."""
    items.sort(key=lambda item: -_weight(item))


def _weight(item):
    return 2 * (item.get_closest_marker("xdist_group") is not None) + (
        item.get_closest_marker("slow") is not None
    )
