"""Every error that bench raises on purpose, in one tree.

    BenchError            the user can mend it: one line, exit code 2
    ├── DataError         a file of faces or groups
    ├── ConfigError       an option, a configuration file, a search space
    ├── ModelError        an architecture, its options or its weights
    ├── RecordError       what stands under --out
    ├── ProcessError      a process of bench's own, and what it was asked for
    └── CircumstanceError a file, a disk or a device that failed while a search trained

A cell that fails is no exception but a record with ``status: failed`` (exit code 1).
"""

from typing import Literal


class BenchError(Exception):
    """One line that names the thing, the value found and what to do about it."""


class DataError(BenchError):
    """A file of faces or groups cannot be used as it is."""


class ConfigError(BenchError):
    """An option or a configuration key is unknown or out of range."""


class ModelError(BenchError):
    """An architecture is unknown, refuses its options or cannot be built."""


class RecordError(BenchError):
    """A stored record is damaged or missing, or cannot be written."""


class CircumstanceError(BenchError):
    """A file, a disk or a device was at fault, not what was tried: it is tried again once that is mended."""


class ProcessError(BenchError):
    """A process of bench's own did not do what it was asked for.

    Attributes:
        cause: ``raised`` (it told why, and lives), ``killed`` (or never started, or stopped on purpose), ``timeout``.
    """

    def __init__(self, cause: Literal["raised", "killed", "timeout"], reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
