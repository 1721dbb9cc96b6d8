"""Pictures from outside: read at any size and colour, mapped back exactly, refused in one line."""

import contextlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bench.delivering.photos import Crop, centre_square, draw_points, open_picture, parse_crop
from bench.errors import ConfigError, DataError
from bench.scheme import SEED_SCHEME, scheme_of_names


def spot(width: int, height: int, x: int, y: int, mode: str = "L") -> Image.Image:
    """A dark picture with one bright block of 5 x 5 pixels around (x, y)."""
    values = np.full((height, width), 20, np.uint8)
    values[y - 2 : y + 3, x - 2 : x + 3] = 255
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        (".png", "L"),
        (".png", "RGB"),
        (".png", "RGBA"),
        (".png", "P"),
        (".png", "LA"),
        (".jpg", "RGB"),
        (".jpg", "L"),
        (".jpg", "CMYK"),
        (".pgm", "L"),
    ],
)
def test_a_point_comes_back_to_its_place_in_the_original(tmp_path: Path, suffix: str, mode: str) -> None:
    path = tmp_path / f"face{suffix}"
    spot(400, 300, 230, 110, mode).save(path)
    picture = open_picture(path, SEED_SCHEME)
    assert picture.frame.shape == (96, 96)
    assert picture.crop == Crop(50, 0, 300, 300)
    bright = picture.frame.astype(float) - picture.frame.min()
    bright[bright < 0.3 * bright.max()] = 0
    grid = np.arange(96)
    found = np.array([(bright.sum(0) @ grid), (bright.sum(1) @ grid)]) / bright.sum()
    assert np.abs(picture.crop.to_picture(found.astype(np.float32), 96) - [230, 110]).max() < 0.6


def test_a_frame_sized_picture_is_taken_as_it_is(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (96, 96)).astype(np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    picture = open_picture(tmp_path / "a.png", SEED_SCHEME)
    assert np.array_equal(picture.frame, values)
    points = np.random.default_rng(1).uniform(0, 95, (15, 2)).astype(np.float32)
    assert np.allclose(picture.crop.to_picture(points, 96), points, atol=1e-5)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(16, 3000), st.integers(16, 3000))
def test_the_corners_of_the_frame_are_the_corners_of_the_crop(x: int, y: int, width: int, height: int) -> None:
    crop = Crop(x, y, width, height)
    corners = crop.to_picture(np.array([[-0.5, -0.5], [95.5, 95.5]], np.float32), 96)
    assert np.allclose(corners, [[x - 0.5, y - 0.5], [x + width - 0.5, y + height - 0.5]], atol=1e-2)


def test_sixteen_bit_and_transparent_pictures(tmp_path: Path) -> None:
    Image.fromarray(np.full((96, 96), 128 * 257, np.uint16)).save(tmp_path / "deep.png")
    assert np.array_equal(open_picture(tmp_path / "deep.png", SEED_SCHEME).frame, np.full((96, 96), 128))
    Image.fromarray(np.full((96, 96), 128 * 257, np.uint16)).save(tmp_path / "deep.pgm")
    assert np.array_equal(open_picture(tmp_path / "deep.pgm", SEED_SCHEME).frame, np.full((96, 96), 128))
    Image.new("RGBA", (96, 96), (255, 255, 255, 0)).save(tmp_path / "clear.png")
    assert open_picture(tmp_path / "clear.png", SEED_SCHEME).frame.max() == 0


def test_a_turned_photograph_is_put_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rows are columns
    spot(200, 120, 150, 30).save(tmp_path / "turned.jpg", exif=exif)
    assert open_picture(tmp_path / "turned.jpg", SEED_SCHEME).size == (120, 200)


def test_the_crop_option() -> None:
    assert parse_crop("10, 20,30,40") == Crop(10, 20, 30, 40)
    for text in ("10,20,30", "a,b,c,d", "-1,0,20,20", "1.5,0,20,20", ""):
        with pytest.raises(ConfigError, match="--crop"):
            parse_crop(text)
    assert centre_square((400, 300)) == Crop(50, 0, 300, 300)


def test_a_crop_outside_the_picture_or_too_small(tmp_path: Path) -> None:
    Image.new("L", (100, 100)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="leaves the picture, which is 100x100"):
        open_picture(tmp_path / "a.png", SEED_SCHEME, Crop(50, 50, 60, 60))
    with pytest.raises(DataError, match="too few"):
        open_picture(tmp_path / "a.png", SEED_SCHEME, Crop(0, 0, 8, 8))


def huge_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def encoded(form: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x011A] = 6, "camera", 1.5
    stream = io.BytesIO()
    spot(120, 120, 60, 60).save(stream, form, exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello, I am a text file", "is no picture"),
        (b"", "is no picture"),
        (encoded("PNG")[:90], "is damaged"),
        (encoded("PPM")[:2000], "is damaged"),
        (encoded("GIF"), "is no picture"),
        (huge_png(20_000, 20_000), "more than 64,000,000 pixels"),
        (huge_png(10_000, 10_000), "more than 64,000,000 pixels"),
        (huge_png(1, 1), "is damaged|too few"),
    ],
)
def test_what_is_no_usable_picture_is_refused_in_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "face.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason) as refused:
        open_picture(path, SEED_SCHEME)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_picture_and_a_picture_of_one_pixel(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(DataError, match=r"cannot be read .*directory"):
        open_picture(tmp_path / "folder.png", SEED_SCHEME)
    with pytest.raises(DataError, match="No such file"):
        open_picture(tmp_path / "no.png", SEED_SCHEME)
    Image.new("L", (1, 1)).save(tmp_path / "dot.png")
    with pytest.raises(DataError, match="1x1 pixels are too few"):
        open_picture(tmp_path / "dot.png", SEED_SCHEME)


def test_damaged_exif_is_no_error_of_bench(tmp_path: Path) -> None:
    content = encoded("JPEG")
    for position in range(20, 120):  # where the EXIF block lies
        for value in (0, 5, 12, 255):
            (tmp_path / "a.jpg").write_bytes(content[:position] + bytes([value]) + content[position + 1 :])
            with contextlib.suppress(DataError):
                open_picture(tmp_path / "a.jpg", SEED_SCHEME)


@given(st.sampled_from(["PNG", "JPEG", "PPM"]), st.integers(0, 10_000), st.integers(0, 255), st.booleans())
def test_damaged_pictures_never_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, form: str, position: int, value: int, cut: bool
) -> None:
    content = bytearray(encoded(form))
    position %= len(content)
    content[position] = value
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_bytes(content[:position] if cut else content)
    try:
        frame = open_picture(path, SEED_SCHEME).frame
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert frame.shape == (96, 96)
        assert frame.dtype == np.uint8


def test_points_are_drawn_where_they_are(tmp_path: Path) -> None:
    image = Image.new("L", (96, 96))
    points = np.full((15, 2), 70.0, np.float32)
    draw_points(image, Crop(0, 0, 96, 96), points, tmp_path / "drawn.png")
    drawn = np.asarray(Image.open(tmp_path / "drawn.png").convert("RGB"))
    rows, columns = np.nonzero(drawn[..., 1] > 220)
    scale = drawn.shape[0] / 96
    assert drawn.shape[0] >= 480
    assert np.allclose([columns.mean() / scale - 0.5, rows.mean() / scale - 0.5], 70, atol=0.3)


def test_a_scheme_decides_size_and_colour_of_the_frame(tmp_path: Path) -> None:
    Image.new("RGBA", (300, 200), (200, 100, 50, 255)).save(tmp_path / "a.png")
    scheme = scheme_of_names(("snout", "tail"), side_px=128, channels=3)
    picture = open_picture(tmp_path / "a.png", scheme)
    assert picture.frame.shape == (128, 128, 3)
    assert np.array_equal(picture.frame[64, 64], (200, 100, 50))
    assert np.allclose(picture.crop.to_picture(np.array([[63.5, 63.5]], np.float32), 128), [[149.5, 99.5]])
    Image.fromarray(np.full((96, 96), 128 * 257, np.uint16)).save(tmp_path / "deep.png")
    assert np.array_equal(open_picture(tmp_path / "deep.png", scheme).frame, np.full((128, 128, 3), 128))
