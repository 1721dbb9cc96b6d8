"""Every refusal through the real command: one line that names the thing, exit code 2, nothing written."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import RunBench, write_faces_csv


def edit(path: Path, change: Callable[[list[list[str]]], None]) -> None:
    table = [line.split(",") for line in path.read_text().splitlines()]
    change(table)
    path.write_text("\n".join(",".join(fields) for fields in table) + "\n")


def set_field(row: int, column: int, value: str) -> Callable[[list[list[str]]], None]:
    def change(table: list[list[str]]) -> None:
        table[row][column] = value

    return change


def set_pixel(number: int, value: str | None) -> Callable[[list[list[str]]], None]:
    def change(table: list[list[str]]) -> None:
        pixels = table[3][-1].split()
        pixels[number : number + 1] = [] if value is None else [value]
        table[3][-1] = " ".join(pixels)

    return change


def drop_column(column: int) -> Callable[[list[list[str]]], None]:
    def change(table: list[list[str]]) -> None:
        for fields in table:
            del fields[column]

    return change


def blank_keypoint(table: list[list[str]]) -> None:
    for fields in table[1:]:
        fields[2] = fields[3] = ""


def pictures_alone(table: list[list[str]]) -> None:
    for number, fields in enumerate(table):
        fields[:-1] = [str(number) if number else "ImageId"]


CONTENT = {
    "lower case": (set_field(0, -1, "image"), "no column 'Image' among 31 columns; rename 'image' to 'Image'"),
    "no header": (lambda table: table.pop(0), "is no name: put a header above the first row"),
    "no keypoints": (pictures_alone, "pictures without keypoints; only `bench predict` takes such a file"),
    "missing image": (drop_column(-1), "no column 'Image'"),
    "missing keypoint": (drop_column(4), "no column 'left_eye_inner_corner_x'"),
    "unknown keypoint": (set_field(0, 4, "chin_x"), "unknown keypoint column 'chin_x'"),
    "twice": (set_field(0, 4, "left_eye_center_x"), "column 'left_eye_center_x' stands twice"),
    "9215 pixels": (set_pixel(7, None), "row 3, column Image: 9,215 pixels, expected 9,216"),
    "pixel of 300": (set_pixel(7, "300"), "row 3, column Image: pixel 8 is '300'"),
    "pixel of -1": (set_pixel(7, "-1"), "row 3, column Image: pixel 8 is '-1'"),
    "pixel abc": (set_pixel(7, "abc"), "row 3, column Image: pixel 8 is 'abc'"),
    "pixel 12.5": (set_pixel(7, "12.5"), "row 3, column Image: pixel 8 is '12.5'"),
    "empty picture": (set_field(3, -1, ""), "row 3, column Image: empty"),
    "text for a point": (set_field(2, 0, "left"), "row 2, column left_eye_center_x: 'left' is no number"),
    "infinite point": (set_field(2, 0, "inf"), "row 2, column left_eye_center_x: 'inf' is no number"),
    "huge point": (set_field(2, 1, "1e999"), "row 2, column left_eye_center_y: 1e999 lies outside"),
    "outside": (set_field(2, 1, "97.2"), "row 2, column left_eye_center_y: 97.2 lies outside the frame"),
    "never labelled": (blank_keypoint, "keypoint right_eye_center is labelled in no row"),
    "half a label": (set_field(2, 1, ""), "row 2, column left_eye_center_y: empty beside a labelled left_eye_center_x"),
    "other half": (
        set_field(2, 2, "NA"),
        "row 2, column right_eye_center_x: empty beside a labelled right_eye_center_y",
    ),
    "ragged": (lambda table: table[5].pop(0), "row 5 has 30 fields, expected 31"),
}


def refused(run_bench: RunBench, tmp_path: Path, *arguments: str) -> str:
    before = sorted(path.name for path in tmp_path.iterdir())
    done = run_bench(*arguments)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 2, done.stderr
    assert 1 <= len(lines) <= 2, done.stderr
    assert lines[-1].startswith("error: ")
    assert done.stdout == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    return lines[-1]


@pytest.mark.parametrize("name", CONTENT)
def test_contents(run_bench: RunBench, tmp_path: Path, name: str) -> None:
    path = write_faces_csv(tmp_path / "faces.csv", rows=6, groups=3)
    change, message = CONTENT[name]
    edit(path, change)
    line = refused(run_bench, tmp_path, "data", "check", "faces.csv")
    assert "faces.csv" in line
    assert message in line


def raw(content: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(content)

    return make


def nothing(path: Path) -> None:
    del path


def truncated_gzip(path: Path) -> None:
    whole = gzip.compress(write_faces_csv(path.parent / "plain.csv", rows=6).read_bytes())
    path.write_bytes(whole[: len(whole) // 2])


def zip_of(*names: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        source = write_faces_csv(path.parent / "plain.csv", rows=6).read_text()
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, source)

    return make


def damaged_lzma(path: Path) -> None:
    source = write_faces_csv(path.parent / "plain.csv", rows=6).read_text()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("faces.csv", source)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def blank_lines_bomb(path: Path) -> None:
    content = write_faces_csv(path.parent / "plain.csv", rows=6).read_bytes()
    path.write_bytes(gzip.compress(content + b"\n" * 300_000_000, 1))


def one_bad_byte(path: Path) -> None:
    content = write_faces_csv(path.parent / "plain.csv", rows=6).read_bytes()
    path.write_bytes(content[:3000] + b"\0" + content[3000:])


FILES = {
    "absent": ("faces.csv", nothing, "no such file"),
    "folder": ("faces.csv", lambda path: path.mkdir(), "is a folder"),
    "empty": ("faces.csv", raw(b""), "is empty"),
    "blank first line": ("faces.csv", lambda path: path.write_bytes(b"\r\n" + write_faces_csv(path).read_bytes()),
                         "the first line is blank; expected column names there"),
    "header alone": ("faces.csv", lambda path: edit(write_faces_csv(path), lambda t: t.__delitem__(slice(1, None))),
                     "has a header but no rows"),
    "not utf-8": ("faces.csv", raw("größe,Image\n1,2\n".encode("latin-1")), "not UTF-8"),
    "nul": ("faces.csv", one_bad_byte, "NUL bytes"),
    "truncated gzip": ("faces.csv.gz", truncated_gzip, "breaks off in line"),
    "gz that is none": ("faces.csv.gz", raw(b"a,b\n1,2\n"), "holds no gzip data"),
    "blank lines without end": ("faces.csv.gz", blank_lines_bomb, "row 7 is empty"),
    "damaged lzma": ("faces.zip", damaged_lzma, "breaks off in line"),
    "zip that is none": ("faces.zip", raw(b"PK nothing"), "no sound zip"),
    "two csvs": ("faces.zip", zip_of("a.csv", "b.csv"), "exactly one CSV, found 2 (a.csv, b.csv)"),
    "no csv": ("faces.zip", zip_of("a.txt"), "exactly one CSV, found 0"),
    "climbing beside": ("faces.zip", zip_of("faces.csv", "__MACOSX/../../x"), "leads outside"),
    "climbing": ("faces.zip", zip_of("../faces.csv"), "leads outside"),
    "absolute": ("faces.zip", zip_of("/etc/faces.csv"), "leads outside"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files(run_bench: RunBench, tmp_path: Path, name: str) -> None:
    file, make, message = FILES[name]
    make(tmp_path / file)
    line = refused(run_bench, tmp_path, "data", "check", file)
    assert file in line
    assert message in line


GROUPS = {
    "another length": ("person\n1\n2\n", "people.csv: 2 groups for 6 rows"),
    "blank": ("person\n1\n\n2\n3\n4\n5\n", "people.csv: row 2 is blank"),
    "far longer": ("person\n" + "1\n" * 1000, "people.csv: more than 106 lines for 6 rows"),
    "two columns": ("person,age\n" + "1,2\n" * 6, "people.csv: line 1 has 2 columns"),
    "empty": ("", "people.csv: is empty"),
}


@pytest.mark.parametrize("name", GROUPS)
def test_group_files(run_bench: RunBench, tmp_path: Path, name: str) -> None:
    write_faces_csv(tmp_path / "faces.csv", rows=6)
    content, message = GROUPS[name]
    (tmp_path / "people.csv").write_text(content)
    assert message in refused(run_bench, tmp_path, "data", "check", "faces.csv", "--groups", "people.csv")


@pytest.mark.parametrize(("separator", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_another_separator(run_bench: RunBench, tmp_path: Path, separator: str, word: str) -> None:
    path = write_faces_csv(tmp_path / "faces.csv", rows=6)
    path.write_text(path.read_text().replace(",", separator))
    line = refused(run_bench, tmp_path, "data", "check", "faces.csv")
    assert f"it is separated by {word}: save it with commas" in line


def test_a_sheet_that_is_no_picture(run_bench: RunBench, tmp_path: Path) -> None:
    write_faces_csv(tmp_path / "faces.csv", rows=6)
    (tmp_path / "folder.png").mkdir()
    for name in ("sheet.jpg", "folder.png"):
        line = refused(run_bench, tmp_path, "data", "check", "faces.csv", "--sheet", name)
        assert f"--sheet {name}: expected the name of a file that ends in .png" in line


def test_a_sheet_that_cannot_be_written(run_bench: RunBench, tmp_path: Path) -> None:
    write_faces_csv(tmp_path / "faces.csv", rows=6)
    done = run_bench("data", "check", "faces.csv", "--sheet", "faces.csv/sheet.png")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: --sheet faces.csv/sheet.png: cannot be written")


def test_an_empty_name_of_groups(run_bench: RunBench, tmp_path: Path) -> None:
    write_faces_csv(tmp_path / "faces.csv", rows=6)
    assert "--groups : neither" in refused(run_bench, tmp_path, "data", "check", "faces.csv", "--groups", "")


def test_groups_that_are_neither_file_nor_column(run_bench: RunBench, tmp_path: Path) -> None:
    write_faces_csv(tmp_path / "faces.csv", rows=6)
    line = refused(run_bench, tmp_path, "data", "check", "faces.csv", "--groups", "subject")
    assert "--groups subject: neither a file nor a column of faces.csv" in line


RUNS = {
    "fewer rows than folds": (["--groups", "none", "--folds", "7"], "6 groups cannot fill 7 folds"),
    "fewer groups than folds": (["--groups", "people.csv", "--folds", "5"], "3 groups cannot fill 5 folds"),
    "one fold": (["--folds", "1"], "run.folds is 1"),
    "no epochs": (["--epochs", "0"], "recipe.epochs is 0"),
    "workers": (["--workers", "-1"], "--workers: run.workers is '-1', expected auto or a number from 1"),
    "unknown option": (["--fold", "3"], "No such option: --fold"),
    "unknown model": (["--models", "resnet_costum"], "did you mean resnet_custom"),
    "unknown key": (["--set", "recipe.lrr=1"], "unknown key 'recipe.lrr'; did you mean lr?"),
    "unknown device": (["--device", "tpu"], "--device tpu: not available here"),
    "twice": (["--models", "plain_cnn,plain_cnn"], "names 'plain_cnn' twice"),
    "a gate": (["--models", "ridge"], "'ridge', a gate"),
}


@pytest.mark.parametrize("name", RUNS)
def test_options_of_a_run(run_bench: RunBench, tmp_path: Path, name: str) -> None:
    write_faces_csv(tmp_path / "faces.csv", rows=6, groups=3)
    options, message = RUNS[name]
    assert message in refused(run_bench, tmp_path, "run", "--data", "faces.csv", *options)


def test_without_permission(run_bench: RunBench, tmp_path: Path) -> None:
    path = write_faces_csv(tmp_path / "faces.csv", rows=6)
    path.chmod(0)
    try:
        path.read_bytes()
    except PermissionError:
        assert "cannot be read" in refused(run_bench, tmp_path, "data", "check", "faces.csv")
    else:
        pytest.skip("this user may read everything")
