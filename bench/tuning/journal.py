"""Where studies are kept: a journal file that mends itself, or a database."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from sqlalchemy.exc import SQLAlchemyError

from bench.errors import ConfigError, RecordError

LOCK_GRACE_S = 10
"""A lock this old belongs to a process that was killed while writing; a write takes milliseconds."""
DATABASES = ("sqlite://", "postgresql://", "postgresql+")


def open_storage(out: Path, url: str | None) -> BaseStorage:
    """The studies under ``out``, or in the database at ``url``.

    Raises:
        ConfigError: a URL of another kind, or a database that cannot be reached.
        RecordError: the journal is damaged elsewhere than at its end.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # what happens is told by our own events
    if url is None:
        return _open_journal(journal_path(out))
    if not url.startswith(DATABASES):
        raise ConfigError(f"--storage {_without_password(url)}: expected sqlite:///FILE or postgresql://USER@HOST/NAME")
    driven = url.replace("postgresql://", "postgresql+psycopg://", 1) if url.startswith("postgresql://") else url
    try:
        return RDBStorage(driven, engine_kwargs={"pool_pre_ping": True})
    except (SQLAlchemyError, ImportError, ValueError) as error:  # ValueError: a port that is no number
        raise ConfigError(f"--storage {_without_password(url)}: cannot be opened ({_first_words(error)})") from error


@contextmanager
def storage_trouble_told(out: Path, url: str | None) -> Iterator[None]:
    """Turns what a full disk or a lost database raises into one line.

    Raises:
        RecordError: instead of it.
    """
    try:
        yield
    except ConnectionError:  # a reader of our output that went away, no storage
        raise
    except OSError as error:
        raise RecordError(f"--out {out}: cannot be written ({error.strerror}); mend that and run again") from error
    except (SQLAlchemyError, StorageInternalError) as error:
        raise RecordError(f"--storage {_without_password(url or '')}: {_first_words(error)}; run again") from error


def journal_path(out: Path) -> Path:
    """The journal file of a results folder."""
    return out / "tuning" / "studies.journal"


class MendingJournal(JournalFileBackend):
    """Optuna's journal file, whose torn last line is cut off, under the journal's own lock, before anything is added.

    A process killed while it wrote leaves half a line. Optuna's readers pass over it, but the next writer would glue
    its own line to it and make the file unreadable for everyone.
    """

    # Not SQLite with Optuna's heartbeat and retry: killed between ask and beat, or fail and retry, it lost the trial.

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        super().__init__(str(path), lock_obj=_Held(self))

    def mend(self) -> None:
        """Cut off whatever stands behind the last whole line that is JSON. The lock must be held."""
        end = size = self.path.stat().st_size
        if size == 0:
            return
        with self.path.open("r+b") as stream:
            with mmap(stream.fileno(), size, access=ACCESS_READ) as text:
                while end > 0 and not _is_sound(text[(begin := text.rfind(b"\n", 0, end - 1) + 1) : end]):
                    end = begin
            if end < size:
                stream.truncate(end)


class _Held(JournalFileOpenLock):
    """The journal's lock; whoever takes it finds the file's end sound.

    A file, not Optuna's default symbolic link: that one dangles where the journal's path is relative, so its age is
    never known and a lock left behind is waited for in vain; and on Windows links need a privilege.
    """

    def __init__(self, journal: MendingJournal) -> None:
        super().__init__(str(journal.path), grace_period=LOCK_GRACE_S)
        self.journal = journal

    def acquire(self) -> bool:
        taken = super().acquire()
        try:
            self.journal.mend()
        except BaseException:
            self.release()
            raise
        return taken


def _is_sound(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _open_journal(path: Path) -> BaseStorage:
    backend = MendingJournal(path)
    guard = _Held(backend)
    guard.acquire()
    guard.release()
    lines = 0
    try:
        for _ in backend.read_logs(0):
            lines += 1
    except ValueError as error:
        raise RecordError(
            f"{path}: line {lines + 1} is damaged and is not the last one; restore a copy or use another --out"
        ) from error
    return JournalStorage(backend)


def _first_words(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text.partition(" (Background on this error")[0][:200]


def _without_password(url: str) -> str:
    """A URL to show: without the password, and without the query, which may hold another."""
    scheme, separator, rest = url.partition("?")[0].partition("://")
    secret, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{secret.partition(':')[0]}{at}{host}"
