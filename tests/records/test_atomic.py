"""Files appear whole or not at all."""

from pathlib import Path
from typing import BinaryIO

import pytest

from bench.records.atomic import write_atomically, write_text


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
