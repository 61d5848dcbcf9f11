"""Errors that users meet: one tree; each message is one line with cause and remedy.

Exit codes are part of the command line's contract: 1 the user's model, data or configuration,
2 usage, 3 a missing tool, 4 does not fit, 5 mismatch between hardware and golden, 6 board or link.
"""

__all__ = [
    "BoardError",
    "BudgetError",
    "ConfigurationError",
    "DataError",
    "DoesNotFit",
    "LocgenError",
    "Mismatch",
    "ModelFileError",
    "ToolFailed",
    "ToolNotFound",
    "UnsafeModelFile",
    "UnsupportedModel",
    "UsageError",
]


class LocgenError(Exception):
    """Anything that ends a run for a reason the user can act on."""

    exit_code = 1


class UnsupportedModel(LocgenError):
    """The model is readable, but locgen cannot build it exactly."""


class ModelFileError(LocgenError):
    """The model file is missing, empty, truncated or not what its name says."""


class UnsafeModelFile(ModelFileError):
    """The model file asks for code that locgen does not run."""


class DataError(LocgenError):
    """The data do not match the model, or hold values that it cannot take."""


class BudgetError(LocgenError):
    """No widths in the allowed range keep the accuracy inside the budget."""


class ConfigurationError(LocgenError):
    """A board file, report, build folder or option has a wrong value."""


class UsageError(LocgenError):
    """The command line itself is wrong."""

    exit_code = 2


class ToolNotFound(LocgenError):
    """A program or Python package that this step needs is not installed."""

    exit_code = 3


class ToolFailed(LocgenError):
    """A tool ended with an error; the message names its log."""

    exit_code = 3


class DoesNotFit(LocgenError):
    """The design needs more than the device has, or misses the asked clock."""

    exit_code = 4


class Mismatch(LocgenError):
    """Hardware and golden disagree: always locgen's fault, never the user's.

    `vectors` are the numbers of the first vectors whose answer was wrong, where that is known.
    """

    exit_code = 5

    def __init__(self, message: str, vectors: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.vectors = vectors


class BoardError(LocgenError):
    """The board, its programmer or the link to it did not answer as it should."""

    exit_code = 6
