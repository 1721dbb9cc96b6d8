"""Photos and annotations that are odd, broken or hostile: read rightly, or refused in one line that names them."""

import json
import os
import struct
import sys
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.faces.face_set import FaceSet
from bench.faces.picture_files import open_picture
from tests.faces.photos import (
    Drawn,
    coco_document,
    draw_photo,
    draw_photos,
    pts_text,
    read,
    refusal,
    write_coco,
    write_pts,
)


def as_stored(folder: Path, change: Callable[[Image.Image], Image.Image], **how: Any) -> FaceSet:
    """One face whose picture is stored in another way."""
    write_pts(folder, [draw_photo(0)], ["a"])
    change(Image.open(folder / "a.png").copy()).save(folder / "a.png", **how)
    return read(folder)


def transparent(image: Image.Image) -> Image.Image:
    """The right half is seen through, though it holds a colour."""
    colours = image.convert("RGBA")
    alpha = np.where(np.arange(image.width) < image.width // 2, 255, 0).astype(np.uint8)
    colours.putalpha(Image.fromarray(np.tile(alpha, (image.height, 1))))
    return colours


def test_depths_palettes_and_inks_show_the_same_face(tmp_path: Path) -> None:
    plain = as_stored(tmp_path / "plain", lambda image: image).images
    sixteen = as_stored(
        tmp_path / "sixteen", lambda image: Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    ).images
    assert np.array_equal(sixteen, plain)
    palette = as_stored(tmp_path / "palette", lambda image: image.convert("P")).images
    assert np.abs(palette.astype(int) - plain).max() <= 1
    opaque = as_stored(tmp_path / "alpha", lambda image: image.convert("RGBA")).images
    assert np.array_equal(opaque, plain)
    write_pts(tmp_path / "cmyk", [draw_photo(0)], ["a"])
    Image.open(tmp_path / "cmyk" / "a.png").convert("CMYK").save(tmp_path / "cmyk" / "a.jpg", quality=95)
    (tmp_path / "cmyk" / "a.png").unlink()
    inks = read(tmp_path / "cmyk").images
    assert np.abs(inks.astype(int) - plain).mean() < 3


def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    picture = as_stored(tmp_path / "set", transparent).images[0]
    assert picture[:, :20].min() > 0
    assert not picture[:, -20:].any()


def turned(folder: Path, orientation: int, told: tuple[int, int] | None) -> Path:
    """A COCO set whose picture is stored on its side, with EXIF to turn it; ``told`` is the size in the JSON."""
    photo = draw_photo(0)
    path = write_coco(folder, [photo], coco_document([photo]))
    upright = Image.open(folder / "photo000.png").copy()
    exif = Image.Exif()
    exif[0x0112] = orientation
    back = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270, 3: Image.Transpose.ROTATE_180}
    upright.transpose(back[orientation]).save(folder / "photo000.png", exif=exif)
    document = json.loads(path.read_text())
    if told is None:
        del document["images"][0]["width"], document["images"][0]["height"]
    else:
        document["images"][0].update(width=told[0], height=told[1])
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("orientation", [6, 8])
def test_a_turned_photo_is_turned_where_the_labels_are_for_the_turned_one(tmp_path: Path, orientation: int) -> None:
    photo = draw_photo(0)
    upright = read(write_coco(tmp_path / "upright", [photo], coco_document([photo])))
    assert read(turned(tmp_path / "turned", orientation, (200, 160))).fingerprint == upright.fingerprint
    stored = read(turned(tmp_path / "stored", orientation, (160, 200)))
    assert stored.fingerprint != upright.fingerprint


def test_a_turned_photo_without_a_sign_is_refused(tmp_path: Path) -> None:
    assert "EXIF" in refusal(turned(tmp_path / "a", 6, None))
    assert "EXIF" in refusal(turned(tmp_path / "b", 3, (200, 160)))


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size, and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (50_000, 20), (9_000, 9_000)])
def test_huge_pictures_are_refused_before_they_are_decoded(tmp_path: Path, width: int, height: int) -> None:
    folder = write_pts(tmp_path / "set", draw_photos(2), ["a", "b"])
    (folder / "b.png").write_bytes(png_of(width, height))
    assert "picture 'b.png' " in refusal(folder)
    assert "shrink it" in refusal(folder)


def put(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content) and None


def link(name: str, target: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return make


def text(name: str, content: str) -> Callable[[Path], None]:
    return put(name, content.encode())


FIVE = draw_photo(0).points
PTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no picture": (lambda folder: (folder / "b.png").unlink(), "b.pts: no picture b.jpg, .png or the like beside it"),
    "two pictures": (put("b.jpg", b""), "b.pts: 2 pictures, b.jpg and b.png"),
    "other cases": (text("b.PTS", pts_text(FIVE)), "b: 2 files end in .pts, in other cases; keep one"),
    "another number": (text("b.pts", pts_text(FIVE[:4])), "b.pts: 4 points, but 5 in the first file"),
    "n_points": (text("b.pts", pts_text(FIVE).replace(" 5", " 6")), "b.pts: 5 points, but n_points says 6"),
    "no brace": (text("b.pts", pts_text(FIVE)[:-3]), "b.pts: the brace is not closed"),
    "a word": (text("b.pts", pts_text(FIVE).replace("}", "x y\n}")), "b.pts: line 9 is 'x y', expected two numbers"),
    "three numbers": (text("b.pts", "1 2 3\n" * 5), "b.pts: line 1 is '1 2 3'"),
    "not finite": (text("b.pts", "nan nan\n" * 5), "b.pts: line 1 is 'nan nan'"),
    "empty": (text("b.pts", ""), "b.pts: holds no points"),
    "bytes": (put("b.pts", b"\xff\xfe1 2"), "b.pts: is no text"),
    "far out": (text("b.pts", "1 2\n3 4\n5 6\n7 8\n9 1e9\n"), "b.pts: point point_5 at 8, 999999999 lies far outside"),
    "no picture in it": (put("b.png", b"no picture"), "b.pts: picture 'b.png' is no picture"),
    "half a picture": (lambda at: put("b.png", (at / "b.png").read_bytes()[:900])(at), "'b.png' is damaged"),
    "a link out": (link("b.png", "../outside.png"), "b.pts: picture 'b.png' leads out of set; put the file"),
    "a link to nothing": (link("b.png", "nothing.png"), "b.pts: no picture 'b.png' there"),
    "a link in a circle": (link("b.png", "b.png"), "picture 'b.png'"),
    "a folder": (lambda folder: ((folder / "b.png").unlink(), (folder / "b.png").mkdir()), "no picture b.jpg"),
}  # fmt: skip


@pytest.mark.parametrize("name", PTS)
def test_pts_folders(tmp_path: Path, name: str) -> None:
    change, message = PTS[name]
    folder = write_pts(tmp_path / "set", draw_photos(3), ["a", "b", "c"])
    Image.new("L", (200, 160), 90).save(tmp_path / "outside.png")
    change(folder)
    assert message in refusal(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_a_picture_that_never_ends_is_not_opened(tmp_path: Path) -> None:
    folder = write_pts(tmp_path / "set", draw_photos(2), ["a", "b"])
    (folder / "b.png").unlink()
    os.mkfifo(folder / "b.png")
    assert "picture 'b.png' is a folder or a device" in refusal(folder)


def test_settings_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    folder = write_pts(tmp_path / "set", draw_photos(2))
    assert "--images: means nothing for set" in refusal(folder, images=tmp_path)
    assert "data.crop is box, but set holds no boxes" in refusal(folder, crop="box")
    assert "data.points names 'chin', which is no point of set" in refusal(folder, points=("chin",))
    document = coco_document(draw_photos(2))
    path = write_coco(tmp_path / "coco", draw_photos(2), document)
    assert "no such folder" in refusal(path, images=tmp_path / "nowhere")


def test_a_face_of_one_point_has_no_box(tmp_path: Path) -> None:
    photo = Drawn(draw_photo(0).picture, np.array([[100.0, 80.0]]))
    folder = write_pts(tmp_path / "set", [photo])
    assert "whose labels have no extent to cut a box by" in refusal(folder)
    assert read(folder, crop="frame").rows == 1


def test_one_photo_is_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_pts(tmp_path / "set", draw_photos(8))
    opened: list[weakref.ref[Image.Image]] = []
    alive: list[int] = []

    def watched(*given: Any) -> Image.Image:
        alive.append(sum(photo() is not None for photo in opened))
        photo = open_picture(*given)
        opened.append(weakref.ref(photo))
        return photo

    monkeypatch.setattr("bench.faces.photo_rows.open_picture", watched)
    assert read(folder).rows == 8
    assert alive == [0] * 8
