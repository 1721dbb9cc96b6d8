"""Every error that bench raises on purpose, in one tree.

    BenchError            the user can mend it: one line, exit code 2
    ├── DataError         a file of faces or groups
    ├── ConfigError       an option, a configuration file, a search space
    ├── ModelError        an architecture, its options or its weights
    └── RecordError       what stands under --out

A cell that fails is no exception but a record with ``status: failed`` (exit code 1).
"""


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
