"""One photo: crop, resize, orientation, colours, damage."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from akd_jax.data.photos.images import load_image, open_image, read_size
from tests.layouts import draw_face, encoded, error


def noise(width: int, height: int, channels: int = 3) -> np.ndarray:
  shape = (height, width, channels)[: 3 if channels > 1 else 2]
  return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize(
  ("size", "crop", "box"),
  [
    ((178, 218), 178, (0, 20, 178, 198)),
    ((178, 218), 100, (39, 59, 139, 159)),
    ((178, 218), 0, (0, 20, 178, 198)),
    ((90, 50), 178, (20, 0, 70, 50)),
    ((51, 40), 0, (5, 0, 45, 40)),
  ],
)
def test_crop_is_the_centred_square(size, crop, box):
  pixels = noise(*size)
  left, top, right, bottom = box
  image = load_image(
    encoded(Image.fromarray(pixels)), crop=crop, size=right - left
  )
  np.testing.assert_array_equal(image, pixels[top:bottom, left:right])


def test_nothing_outside_the_crop_bleeds_in():
  pixels = np.full((218, 178, 3), 255, np.uint8)
  pixels[59:159, 39:139] = 10
  image = load_image(encoded(Image.fromarray(pixels)), crop=100, size=32)
  assert (image == 10).all()


def test_reduction_is_antialiased():
  pixels = np.indices((256, 256)).sum(0) % 2 * 255
  board = Image.fromarray(pixels.astype(np.uint8))
  image = load_image(encoded(board), crop=0, size=64)
  # The border sees half a filter, and so a little less of a balance.
  assert np.abs(image[2:-2, 2:-2].astype(int) - 127).max() <= 2
  assert np.abs(image.astype(int) - 127).max() <= 8


def test_result_is_a_writable_rgb_array_of_the_size_asked_for():
  for size in (16, 300):
    image = load_image(encoded(Image.fromarray(noise(60, 50))), 0, size)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8
    assert image.flags.writeable


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(orientation):
  upright = Image.fromarray(noise(40, 40))
  exif = Image.Exif()
  exif[0x0112] = orientation
  undone = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
  turn = Image.Exif()
  turn[0x0112] = undone
  # The photo as the turned camera stores it: the inverse of the correction.
  stored = ImageOps.exif_transpose(
    Image.open(io.BytesIO(encoded(upright, exif=turn)))
  )
  assert stored is not None
  image = load_image(encoded(stored, exif=exif), crop=0, size=40)
  np.testing.assert_array_equal(image, np.asarray(upright))


def test_camera_held_sideways():
  """Orientation 6, worked by hand: stored row 0 is the right-hand column."""
  stored = Image.fromarray(noise(20, 20))
  exif = Image.Exif()
  exif[0x0112] = 6
  image = load_image(encoded(stored, exif=exif), crop=0, size=20)
  np.testing.assert_array_equal(image[:, -1], np.asarray(stored)[0])


def test_every_colour_mode_becomes_rgb():
  gray = noise(20, 20, 1)
  expected = np.repeat(gray[..., None], 3, axis=2)
  deep = Image.fromarray(gray.astype(np.uint16) * 257)
  for image in (Image.fromarray(gray), deep):
    loaded = load_image(encoded(image), crop=0, size=20)
    np.testing.assert_array_equal(loaded, expected)

  red = Image.new("RGB", (20, 20), "red")
  files = (
    encoded(red.convert("CMYK"), "JPEG", quality=100),
    encoded(red.convert("P")),
    encoded(red, "WEBP", lossless=True),
    encoded(red, "BMP"),
    encoded(red.convert("RGBA")),
  )
  for content in files:
    loaded = load_image(content, crop=0, size=20).astype(int)
    assert np.abs(loaded - (255, 0, 0)).max() <= 3


def test_transparency_is_laid_on_white():
  pixels = np.zeros((20, 20, 4), np.uint8)
  pixels[:, 10:, 3] = 255
  image = load_image(encoded(Image.fromarray(pixels)), crop=0, size=20)
  assert (image[:, :10] == 255).all()
  assert (image[:, 10:] == 0).all()


def test_unreadable_photos_are_named(tmp_path):
  photo = tmp_path / "a.jpg"
  whole = encoded(draw_face(0), "JPEG")
  for content in (whole[: len(whole) // 2], whole[:10], b"", b"<html>"):
    photo.write_bytes(content)
    assert str(photo) in error(load_image, photo, 178, 32)
  absent = tmp_path / "b.jpg"
  assert str(absent) in error(load_image, absent, 178, 32)
  assert "7.jpg" in error(load_image, b"", 178, 32, "7.jpg")
  photo.write_bytes(whole)
  np.testing.assert_array_equal(
    load_image(photo, 178, 32), load_image(whole, 178, 32)
  )


def grey16():
  return (np.arange(400, dtype=np.uint16) * 160).reshape(20, 20)


@pytest.mark.parametrize(
  ("kind", "bits", "inverted"),
  [("TIFF", 16, False), ("TIFF", 16, True), ("PNG", 16, False)],
)
def test_deep_grey_keeps_its_range(kind, bits, inverted):
  deep = grey16()
  options = {"tiffinfo": {262: 0}} if inverted else {}
  content = encoded(Image.fromarray(deep), kind, **options)
  expected = (deep >> (bits - 8)).astype(int)
  if inverted:
    expected = 255 - expected
  found = load_image(content, crop=0, size=20).astype(int)
  np.testing.assert_array_equal(found, np.repeat(expected[..., None], 3, 2))


@pytest.mark.parametrize("turn", [1, 6])
def test_deep_grey_is_laid_on_white_where_it_is_transparent(turn):
  deep = grey16()
  exif = Image.Exif()
  exif[0x0112] = turn
  content = encoded(Image.fromarray(deep), transparency=160 * 40, exif=exif)
  expected = (deep >> 8).astype(np.uint8)
  assert expected[2, 0] == 25
  expected[2, 0] = 255
  if turn == 6:
    expected = np.rot90(expected, -1)
  found = load_image(content, crop=0, size=20)
  np.testing.assert_array_equal(found[..., 0], expected)


def test_grey_of_twelve_bits_is_not_black():
  """Packed by hand: two numbers in three bytes."""
  twelve = (np.arange(400, dtype=np.uint16) * 10).reshape(20, 20)
  pairs = twelve.reshape(-1, 2).astype(np.uint32)
  word = pairs[:, 0] << 12 | pairs[:, 1]
  packed = np.stack([word >> 16, word >> 8, word], 1).astype(np.uint8).tobytes()
  content = tiff(packed, bits=12)
  found = load_image(content, crop=0, size=20)
  np.testing.assert_array_equal(found[..., 0], twelve >> 4)


def tiff(pixels: bytes, bits: int) -> bytes:
  """A grey TIFF of 20 x 20 pixels, as TIFF 6.0 has it."""
  entries = [
    (256, 20), (257, 20), (258, bits), (259, 1), (262, 1), (273, 8),
    (277, 1), (278, 20), (279, len(pixels)),
  ]  # fmt: skip
  directory = struct.pack("<H", len(entries)) + b"".join(
    struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries
  )
  start = struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
  return start + pixels + directory + bytes(4)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_numbers_of_no_known_range_are_refused(dtype):
  content = encoded(Image.fromarray(grey16().astype(dtype)), "TIFF")
  assert "of 32 bits" in error(load_image, content, 0, 20, "a.tif")


def test_what_pillow_would_give_to_a_program_is_no_photo():
  content = encoded(Image.new("RGB", (20, 20)), "EPS")
  assert "not an image" in error(load_image, content, 0, 20, "a.jpg")


def test_a_bomb_is_refused():
  content = tiff(b"\0" * 400, bits=8).replace(
    struct.pack("<HHII", 256, 4, 1, 20),
    struct.pack("<HHII", 256, 4, 1, 1 << 30),
  )
  assert error(load_image, content, 0, 20, "a.tif") == (
    "cannot read the image a.tif: it has 21,474 megapixels, more than 178: make"
    " it smaller"
  )


@pytest.mark.parametrize(
  ("tag", "kind", "note"),
  [(0x0213, 2, b"odd"), (0x011C, 1, b"\1"), (0x0101, 8, b"\xff\xff")],
)
def test_what_a_camera_notes_turns_no_photo_away(tag, kind, note):
  def photo(*notes):
    """A JPEG with an orientation and notes, as EXIF has them."""
    entries = sorted([(0x0112, 3, b"\6\0"), *notes])
    found = struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + b"".join(
      struct.pack("<HHI4s", name, of, len(x) // (2 if of > 2 else 1), x)
      for name, of, x in entries
    )
    exif = b"Exif\0\0" + found + bytes(4)
    return encoded(Image.fromarray(pixels), "JPEG", exif=exif)

  pixels = noise(20, 20)
  plain, noted = (
    load_image(photo(*notes), crop=0, size=20)
    for notes in ([], [(tag, kind, note)])
  )
  np.testing.assert_array_equal(noted, plain)
  found = plain[:, -1].astype(int) - pixels[0]
  assert np.abs(found).mean() < 60


def test_a_pillow_without_avif_reads_all_else(monkeypatch):
  Image.init()
  monkeypatch.delitem(Image.OPEN, "AVIF", raising=False)
  content = encoded(Image.fromarray(noise(20, 20)))
  np.testing.assert_array_equal(load_image(content, 0, 20), noise(20, 20))
  assert read_size(content) == (20, 20)
  avif = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1"
  assert "Pillow reads from 11.3 on" in error(load_image, avif, 0, 20)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize(
  "notes",
  [b"junkjunkjunk", b"I", b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\x05\0"],
)
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_notes_turn_no_photo_away(kind, notes):
  exif = b"Exif\0\0" + notes
  grey = Image.new("RGB", (20, 30), (60, 60, 60))
  assert open_image(encoded(grey, kind, exif=exif)).size == (20, 30)


def test_a_photo_of_an_iphone_is_told_what_to_become():
  content = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
  assert "it is HEIC, which cannot be read: save it as JPEG" in error(
    load_image, content, 0, 20
  )
