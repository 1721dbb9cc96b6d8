"""Mutates files of faces and checks that each is read exactly as a plain slow reader reads it, or refused in one line.

    python -m benchmarks.fuzz_reading --files 20000 --data data/KeyFacialPoints.csv
    python -m benchmarks.fuzz_reading --files 7000 --form coco

Prints the counts and the time; exit code 1 where any file was read wrongly, hung, or ended in another exception.
"""

import argparse
import csv
import faulthandler
import gzip
import io
import os
import random
import shutil
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.cli.data import describe
from bench.errors import ConfigError, DataError
from bench.faces.checks import inspect
from bench.faces.csv_reading import MISSING
from bench.faces.face_set import FaceSet, FaceSource
from bench.faces.loading import load_faces
from bench.faces.opening import open_lines
from bench.scheme import SEED_SCHEME
from benchmarks.fuzz_photos import FORMS, mutated_set, names_in

ROWS = 3
SLOWEST_S, HANGING_S = 2.0, 60.0
"""Processor time that a file of three rows may take; real time after which the fuzzer gives up and shows where."""
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
TOKENS = [b",", b",,", b" ", b"  ", b"\n", b"\r\n", b"\r", b'"', b"\0", b"nan", b"inf", b"-1", b"256", b"12.5", b"1e3"]
TOKENS += [b"\xff\xfe", b"\xef\xbb\xbf", "é".encode(), b"0", b"007", b"_", b"Image", b"left_eye_center_x", b"\t", b""]


def original_lines(data: Path | None) -> list[bytes]:
    """A header and a few rows: of the users' file, or drawn at random."""
    if data is not None:
        with open_lines(data) as lines:
            return [line for _, line in zip(range(ROWS + 1), lines, strict=False)]
    generator = np.random.default_rng(0)
    rows = [",".join([*SEED_SCHEME.flat_names, "Image"]).encode()]
    for _ in range(ROWS):
        points = ",".join(f"{value:.3f}" for value in generator.uniform(0, 95, 30))
        rows.append(f"{points},{' '.join(map(str, generator.integers(0, 256, 9216)))}".encode())
    return rows


def mutate(lines: list[bytes], generator: random.Random) -> bytes:
    """One to three changes of bytes, tokens, fields, lines or compression."""
    content = bytearray(b"\n".join(lines) + b"\n")
    for _ in range(generator.randint(1, 3)):
        kind = generator.randrange(6)
        # Half of the changes fall into the header and the points, where most of the meaning is.
        place = generator.randrange(min(900, len(content)) if generator.random() < 0.5 else len(content))
        if kind == 0:
            content[place] = generator.randrange(256)
        elif kind == 1:
            content[place:place] = generator.choice(TOKENS)
        elif kind == 2:
            del content[place : place + generator.choice([1, 1, 2, 30, 4000])]
        elif kind == 3:
            content[place : place + generator.randint(1, 4)] = generator.choice(TOKENS)
        elif kind == 4:
            fields = bytes(content).split(b",")
            one, other = generator.randrange(len(fields)), generator.randrange(len(fields))
            fields[one], fields[other] = fields[other], fields[one]
            content = bytearray(b",".join(fields))
        else:
            del content[place:]
        if not content:
            content = bytearray(b"\n")
    return pack(bytes(content), generator) if generator.random() < 0.2 else bytes(content)


def pack(content: bytes, generator: random.Random) -> bytes:
    """A gzip or a zip of ``content``; two in three have a few bits flipped, mostly in their headers."""
    if generator.random() < 0.5:
        packed = bytearray(gzip.compress(content, 1))
    else:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", generator.choice(ZIP_METHODS), compresslevel=1) as archive:
            archive.writestr("faces.csv", content)
        packed = bytearray(stream.getvalue())
    for _ in range(generator.choice([0, 1, 3])):
        reach = min(150, len(packed))
        near = generator.choice([generator.randrange(reach), -1 - generator.randrange(reach)])
        packed[near if generator.random() < 0.7 else generator.randrange(len(packed))] ^= 1 << generator.randrange(8)
    return bytes(packed)


def read_slowly(content: bytes) -> tuple[list[list[int]], list[list[float]]]:
    """The same table by the csv module and Python's own numbers: what an accepted file must have meant."""
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    elif content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(archive.namelist()[0])
    table = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    while table and (not table[-1] or not "".join(table[-1]).strip()):
        table.pop()
    header = [name.strip() for name in table[0]]
    places = [header.index(name) for name in SEED_SCHEME.flat_names]
    missing = {word.decode() for word in MISSING}
    pictures, points = [], []
    for row in table[1:]:
        pictures.append([int(word) for word in row[header.index("Image")].split()])
        fields = [row[place].strip() for place in places]
        points.append([float("nan") if field in missing else float(field) for field in fields])
    return pictures, points


def judge(path: Path, content: bytes) -> str:
    """``read``, ``refused``, or what went wrong where the file is loaded and described as ``bench data check`` does."""
    path.write_bytes(content)
    return judged(FaceSource(path), [path.name], lambda faces: compare(faces, content))


def judged(source: FaceSource, names: Sequence[str], compared: Callable[[FaceSet], str]) -> str:
    """The same for any source: a refusal must name one of ``names``, what is accepted is ``compared``."""
    faulthandler.dump_traceback_later(HANGING_S, exit=True)
    started = time.process_time()
    try:
        faces = load_faces(source)
        inspect(faces)
        describe(faces)
    except (DataError, ConfigError) as error:
        text = str(error)
        in_form = any(name in text for name in names) and "\n" not in text
        verdict = "refused" if in_form else f"refused in another form: {text!r}"
    except Exception as error:
        verdict = f"{type(error).__name__}: {error}"
    else:
        verdict = compared(faces)
    faulthandler.cancel_dump_traceback_later()
    return verdict if time.process_time() - started < SLOWEST_S else "took too long"


def compare(faces: FaceSet, content: bytes) -> str:
    """Whether an accepted file was read as the plain reader reads it."""
    try:
        pictures, points = read_slowly(content)
    except Exception as error:
        return f"read, but the plain reader fails: {type(error).__name__}: {error}"
    same = np.array_equal(faces.images.reshape(faces.rows, -1), pictures) and np.array_equal(
        faces.keypoints.reshape(faces.rows, -1), np.float32(points), equal_nan=True
    )
    return "read" if same else "read wrongly"


def fuzz(files: int, lines: list[bytes], generator: random.Random, folder: Path) -> Counter[str]:
    """How often each verdict came; ``folder`` takes the files and their caches."""
    counts: Counter[str] = Counter()
    for number in range(files):
        # Names of their own: files of one size written within a tick of the clock would share a cache.
        path = folder / f"faces-{number}.csv"
        counts[judge(path, mutate(lines, generator))] += 1
        path.unlink()
    return counts


def fuzz_photos(files: int, form: str, generator: random.Random, folder: Path) -> Counter[str]:
    """The same for sets of photos, ``pts``, ``coco`` or ``deeplabcut``."""
    counts: Counter[str] = Counter()
    for number in range(files):
        place = folder / f"set-{number}"
        source, compared = mutated_set(form, place, generator)
        verdict = judged(source, [*names_in(place), str(source.data and source.data.name)], compared)
        if verdict not in ("read", "refused"):
            verdict += f" (set {number})"
        counts[verdict] += 1
        shutil.rmtree(place)
    return counts


def main() -> int:
    """Run the fuzzer; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--form", choices=["csv", *FORMS], default="csv")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    generator = random.Random(asked.seed)
    warnings.simplefilter("error")
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        os.environ["BENCH_CACHE_DIR"] = name
        if asked.form == "csv":
            counts = fuzz(asked.files, original_lines(asked.data), generator, Path(name))
        else:
            counts = fuzz_photos(asked.files, asked.form, generator, Path(name))
    seconds = time.perf_counter() - started
    sys.stdout.write(f"{asked.files:,} mutated {asked.form} files in {seconds:.0f} s (seed {asked.seed})\n")
    for verdict, count in counts.most_common():
        sys.stdout.write(f"{count:7,}  {verdict}\n")
    return 0 if set(counts) <= {"read", "refused"} else 1


if __name__ == "__main__":
    sys.exit(main())
