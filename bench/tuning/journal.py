"""Where studies are kept: a journal file that mends itself, or a database."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_plus

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from sqlalchemy.exc import SQLAlchemyError

from bench.errors import ConfigError, RecordError

LOCK_GRACE_S = 10
"""A lock this old belongs to a process that was killed while writing; a write takes milliseconds."""
SEAL = "seal"
HIDDEN = "…"
DATABASES = ("sqlite://", "postgresql://", "postgresql+")
SOUND_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+]*)://(?:(?P<user>[\w.~%+-]*)(?::(?P<password>[^@/?#\s]*))?@)?"
    r"(?P<host>[\w.-]*|\[[0-9a-f:]+\])(?::\d+)?(?:/[^?#@]*)?(?:\?(?P<query>[^@]*))?"
)
"""A URL of which it is certain what in it is a password."""


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
        raise ConfigError(f"--storage {_shown(url)}: expected sqlite:///FILE or postgresql://USER@HOST/NAME")
    driven = url.replace("postgresql://", "postgresql+psycopg://", 1) if url.startswith("postgresql://") else url
    try:
        return RDBStorage(driven, engine_kwargs={"pool_pre_ping": True})
    except (SQLAlchemyError, ImportError, ValueError) as error:  # ValueError: a port that is no number
        raise ConfigError(f"--storage {_shown(url)}: cannot be opened ({_first_words(error, url)})") from error


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
        raise RecordError(f"--storage {_shown(url or '')}: {_first_words(error, url or '')}; run again") from error


def journal_path(out: Path) -> Path:
    """The journal file of a results folder."""
    return out / "tuning" / "studies.journal"


class MendingJournal(JournalFileBackend):
    """Optuna's journal file, whose torn last line is cut off, under the journal's own lock, before anything is added.

    A process killed while it wrote leaves half a line. Optuna's readers pass over it, but the next writer would glue
    its own line to it and make the file unreadable for everyone.

    Each line is sealed: it holds a digest of the rest of itself, which other readers of such journals pass over. A line
    without one is as good as its JSON: of an earlier journal, or of another program, where a flipped digit goes unseen.
    """

    # Not SQLite with Optuna's heartbeat and retry: killed between ask and beat, or fail and retry, it lost the trial.

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.sound = 0
        """Lines that were read, and taken in by whoever asked for them."""
        super().__init__(str(path), lock_obj=_Held(self))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Add lines, each with its seal."""
        super().append_logs([{**log, SEAL: _seal(log)} for log in logs])

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        """The lines from this one (from 0) on, without their seals.

        Raises:
            RecordError: one of them is damaged.
        """
        self.sound = log_number_from
        try:
            for log in super().read_logs(log_number_from):
                yield _unsealed(log)
                self.sound += 1
        except ValueError as error:
            raise self.damaged() from error

    def damaged(self) -> RecordError:
        """What to say of the line behind the sound ones.

        Nothing is moved or cut: whoever has no copy loses least by keeping the lines before the damaged one.
        """
        return RecordError(
            f"{self.path}: line {self.sound + 1} is damaged; restore a copy, cut it and what follows off "
            f"(`head -n {self.sound}` gives the sound part), or use another --out"
        )

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
        return line.endswith(b"\n") and bool(_unsealed(json.loads(line)))
    except ValueError:
        return False


def _unsealed(log: object) -> dict[str, Any]:
    """A line without its seal.

    Raises:
        ValueError: not what was sealed.
    """
    if isinstance(log, dict):
        bare = {name: value for name, value in log.items() if name != SEAL}
        if log.get(SEAL) in (None, _seal(bare)):
            return bare
    raise ValueError("does not read as it was sealed")


def _seal(log: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(log).encode()).hexdigest()[:16]


def _open_journal(path: Path) -> BaseStorage:
    backend = MendingJournal(path)
    guard = _Held(backend)
    guard.acquire()
    guard.release()
    try:
        return JournalStorage(backend)
    except (OSError, RecordError):
        raise
    except Exception as error:  # whatever Optuna makes of a line that is JSON and nothing it wrote
        raise backend.damaged() from error


def _first_words(error: Exception, url: str) -> str:
    """The beginning of a driver's message, which may quote any part of the URL; of an unclear one only its kind."""
    sound = SOUND_URL.fullmatch(url)
    if sound is None:
        return type(error).__name__
    text = " ".join(str(error).split()).partition(" (Background on this error")[0]
    values = [pair.partition("=")[2] for pair in (sound["query"] or "").split("&")]
    for secret in filter(None, (url, sound["password"], *values)):
        for form in (secret, unquote(secret), unquote_plus(secret)):
            text = text.replace(form, HIDDEN)
    return text[:200]


def _shown(url: str) -> str:
    """Scheme, user and host of a URL; of one that is not sound the scheme alone."""
    if (sound := SOUND_URL.fullmatch(url)) is not None:
        user = f"{sound['user']}@" if sound["user"] else ""
        return f"{sound['scheme']}://{user}{sound['host']}"
    scheme = re.match(r"[a-z][a-z0-9+]*://", url)
    return f"{scheme[0] if scheme else ''}{HIDDEN}"
