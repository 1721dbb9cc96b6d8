"""Files appear whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from bench.processes.marks import mark
from bench.records.atomic import DEAD_S, sweep, write_atomically, write_text

KILLED = """
import os, signal, sys
from pathlib import Path
from bench.records.atomic import write_atomically
write_atomically(Path(sys.argv[1]), lambda stream: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "record.json"
    write_text(target, "old")

    def break_off(stream: BinaryIO) -> None:
        stream.write(b"half of the n")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space") as failure:
        write_atomically(target, break_off)
    assert failure.value.filename == str(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_missing_folders_are_made_and_mode_follows_the_umask(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "file.txt"
    write_text(target, "grüße")
    assert target.read_text(encoding="utf-8") == "grüße"
    plain = tmp_path / "plain"
    plain.write_text("")
    assert target.stat().st_mode == plain.stat().st_mode


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL here")
def test_what_a_killed_process_left_goes_with_the_next_write_there(tmp_path: Path) -> None:
    target = tmp_path / "record.json"
    subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False, timeout=60)
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
    write_text(tmp_path / "other.json", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["other.json"]


def test_only_what_is_left_behind_is_swept(tmp_path: Path) -> None:
    elsewhere, users = f".{'0' * 12}-1-ab{{}}.part", ".mine{}.part"
    young = [tmp_path / name.format("") for name in (elsewhere, users)]
    old = [tmp_path / name.format(1) for name in (elsewhere, users)]
    own = tmp_path / f".{mark()}ab.part"
    for path in (*young, *old, own):
        path.touch()
    for path in old:
        stale = path.stat().st_mtime - DEAD_S - 10
        os.utime(path, (stale, stale))
    write_text(tmp_path / "a.json", "")
    assert {*tmp_path.iterdir()} == {*young, old[1], own, tmp_path / "a.json"}  # a folder of the user's, perhaps
    sweep(tmp_path.parent)
    assert {*tmp_path.iterdir()} == {*young, own, tmp_path / "a.json"}
