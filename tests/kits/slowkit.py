"""Values of a parametrisation whose tests are left to the slow suite."""

import pytest

__all__ = ["slow"]


def slow(*values):
    """Return `values`, each marked slow: what `make test` leaves out and `make test-all` runs."""
    return [
        pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.slow)
        for value in values
    ]
