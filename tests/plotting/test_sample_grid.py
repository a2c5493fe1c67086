"""Overlays, sample sheets and PNG files."""

import numpy as np
import pytest
from PIL import Image, ImageFont

from akd_jax.data.attributes import CELEBA
from akd_jax.plotting import sample_grid as pictures
from akd_jax.plotting.sample_grid import Line

SIZE, PERSONS, COLUMNS = 32, 2, 3
CELL = 128  # 32 pixels, enlarged 4 times
NAMES = ("5_o_Clock_Shadow", "Bald", "Mouth_Slightly_Open")


def _noise(*shape):
  return np.random.default_rng(len(shape)).integers(0, 256, shape, np.uint8)


def _plain(number):
  """A picture of one colour that nothing else on a sheet has."""
  return np.full((SIZE, SIZE, 3), (255, 10 * number, 255 - number), np.uint8)


def _place(sheet, number):
  """Where the plain picture `number` is: left, top; it must be whole."""
  ys, xs = np.nonzero((sheet == _plain(number)[0, 0]).all(axis=-1))
  assert len(ys) == CELL * CELL, f"picture {number} is not all there"
  assert np.ptp(ys) == np.ptp(xs) == CELL - 1
  return int(xs.min()), int(ys.min())


def _plain_sheet(names=NAMES, title="student · step 4,000", legend="student"):
  """A sheet of plain pictures: sources 0, 1, then lines, persons, columns."""
  numbers = iter(range(100))
  sources = np.stack([_plain(next(numbers)) for _ in range(PERSONS)])
  images = [
      np.stack([[_plain(next(numbers)) for _ in range(COLUMNS)]
                for _ in range(PERSONS)])
      for _ in range(2)
  ]  # fmt: skip
  lines = [
    Line(legend, images[0]),
    # Nothing to see, so that the picture beneath stays plain.
    Line(f"{legend} attention", images[1], np.zeros((1, 1, 4, 4))),
  ]
  sheet = pictures.draw_sheet(title, names, sources, lines)
  return sheet, [_place(sheet, number) for number in range(14)]


def test_overlay_keeps_the_shape_whatever_the_map_s():
  for size in ((1, 1), (4, 6), (32, 32), (50, 70)):
    picture = pictures.overlay(_noise(32, 32, 3), np.ones(size))
    assert picture.shape == (32, 32, 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize("scale", [None, 0.0, 1.0])
def test_a_zero_map_leaves_the_picture_unchanged(scale):
  image = _noise(32, 32, 3)
  picture = pictures.overlay(image, np.zeros((8, 8)), scale)
  np.testing.assert_array_equal(picture, image)
  assert not np.shares_memory(picture, image)


@pytest.mark.parametrize("image", [np.zeros((8, 8, 3)), _noise(2, 8, 8, 3)])
def test_an_overlay_is_of_one_picture_of_bytes(image):
  with pytest.raises(ValueError, match=r"is not uint8 \[S, S, 3\]"):
    pictures.overlay(image, np.ones((2, 2)))


def test_the_overlay_is_strongest_where_the_map_is_largest():
  image = np.full((64, 64, 3), 128, np.uint8)
  attention = np.random.default_rng(0).uniform(0, 0.5, (8, 8))
  attention[2, 5] = 1
  picture = pictures.overlay(image, attention).astype(float)
  distance = np.abs(picture - pictures._colours()[-1]).sum(axis=-1)
  y, x = np.unravel_index(distance.argmin(), distance.shape)
  assert (y // 8, x // 8) == (2, 5)


def test_the_overlay_changes_only_the_surroundings_of_a_spot():
  image = _noise(64, 64, 3)
  attention = np.zeros((8, 8))
  attention[0, 0] = 1
  picture = pictures.overlay(image, attention)
  np.testing.assert_array_equal(picture[32:, 32:], image[32:, 32:])
  assert (picture[:8, :8] != image[:8, :8]).mean() > 0.9


def test_opacity_grows_with_attention_and_the_face_stays_visible():
  left = np.zeros((32, 32, 3), np.uint8)
  ramp = np.linspace(0, 1, 32)[None].repeat(32, axis=0)
  contrast = (
    pictures.overlay(255 - left, ramp).astype(int)
    - pictures.overlay(left, ramp)
  )[16, :, 0]
  assert (np.diff(contrast) <= 0).all()
  assert contrast[0] > 250 > 100 > contrast[-1] > 50


def test_overlays_do_not_depend_on_the_magnitude_without_a_scale():
  image, attention = _noise(32, 32, 3), np.random.default_rng(0).random((8, 8))
  expected = pictures.overlay(image, attention)
  for factor in (1e-30, 1e-4, 1e30):
    picture = pictures.overlay(image, factor * attention)
    np.testing.assert_array_equal(picture, expected)


def test_a_scale_makes_overlays_comparable():
  image, attention = _noise(32, 32, 3), np.random.default_rng(0).random((8, 8))
  half = pictures.overlay(image, attention, 2 * attention.max())
  whole = pictures.overlay(image, attention)
  change = [np.abs(p - image.astype(float)).mean() for p in (half, whole)]
  assert 0 < change[0] < change[1]
  spot = np.zeros((8, 8))
  spot[4, 4] = 1
  np.testing.assert_array_equal(
    pictures.overlay(image, 1000 * spot, 1.0), pictures.overlay(image, spot)
  )


def test_a_map_that_is_none_is_refused():
  for wrong in (np.full((4, 4), np.nan), np.ones((4, 4, 1)), np.ones(4)):
    with pytest.raises(ValueError, match="finite map"):
      pictures.overlay(_noise(8, 8, 3), wrong)


def test_a_sheet_shows_every_picture_whole_and_in_its_place():
  _, places = _plain_sheet()
  sources, cells = places[:2], np.reshape(places[2:], (2, PERSONS, COLUMNS, 2))
  lefts, tops = cells[..., 0], cells[..., 1]
  assert (lefts == lefts[:1, :1]).all()  # columns are straight
  assert (tops == tops[..., :1]).all()  # lines too
  assert (np.diff(lefts[0, 0]) == CELL + pictures.GAP).all()
  # The lines of a person follow each other, then comes the next person.
  order = tops[:, :, 0].T.ravel()
  assert (np.diff(order) >= CELL + pictures.GAP).all()
  assert order[2] - order[1] > order[1] - order[0]
  # Sources start their person's block, to the left of all else.
  assert [top for _, top in sources] == tops[0, :, 0].tolist()
  assert sources[0][0] == sources[1][0] < lefts.min() - CELL


def test_a_sheet_shows_pixels_exactly_and_overlays_as_overlay_does():
  _, places = _plain_sheet()
  sources = _noise(PERSONS, SIZE, SIZE, 3)
  images = _noise(PERSONS, COLUMNS, SIZE, SIZE, 3)
  attention = np.random.default_rng(0).random((PERSONS, COLUMNS, 8, 8))
  lines = [Line("student", images), Line("attention", images, attention)]
  sheet = pictures.draw_sheet("student · step 4,000", NAMES, sources, lines)
  enlarged = images.repeat(4, axis=2).repeat(4, axis=3)
  for number, (left, top) in enumerate(places[2:]):
    line, person, column = np.unravel_index(number, (2, PERSONS, COLUMNS))
    expected = enlarged[person, column]
    if line:
      expected = pictures.overlay(expected, attention[person, column])
    shown = sheet[top : top + CELL, left : left + CELL]
    np.testing.assert_array_equal(shown, expected)
  for source, (left, top) in zip(sources, places[:2], strict=True):
    shown = sheet[top : top + CELL : 4, left : left + CELL : 4]
    np.testing.assert_array_equal(shown, source)


def test_texts_are_never_drawn_over_pictures_nor_into_each_other():
  # _plain_sheet asserts that each picture is whole.
  long = ("Rosy_Cheeks" * 20, "x" * 300, "a_" * 200)
  sheet, places = _plain_sheet(long, "a long title " * 50, "a legend " * 50)
  top, lefts = places[0][1], [places[0][0], *(x for x, _ in places[2:5])]
  header = sheet[top - pictures.HEADER - pictures.GAP : top]
  written = (header != 255).any(axis=(0, 2))
  for left in lefts:
    assert written[left : left + CELL].any()
    written[left : left + CELL] = False
  assert not written.any()
  beside_legends = sheet[top:, lefts[1] - pictures.GAP : lefts[1]]
  edges = (sheet[:, :8], sheet[:, -8:], sheet[:8], sheet[-8:])
  for blank in (beside_legends, *edges):
    assert (blank == 255).all()


@pytest.mark.parametrize("raqm", [False, True])
def test_attribute_names_fit_above_a_column(raqm, monkeypatch):
  # Pillow lays text out by raqm where the system has fribidi.
  if not raqm:
    monkeypatch.setattr(ImageFont.core, "HAVE_RAQM", False)
  monkeypatch.setattr(pictures, "_font", pictures._font.__wrapped__)
  for name in (*CELEBA, "Spectacularly_Unpronounceable"):
    sheet = Image.new("RGB", (148, 60), pictures.PAPER)
    box = (10, 10, 128, pictures.HEADER)
    pictures.write_text(sheet, box, name.replace("_", " "), 15, (0.5, 1))
    ys, xs = np.nonzero((np.asarray(sheet) != 255).any(axis=-1))
    # A white rim is left inside the box: nothing was cut off.
    assert xs.min() > 10 and xs.max() < 137, name
    assert ys.min() > 10 and ys.max() < 9 + pictures.HEADER, name
    assert len(ys) > 50, name


def test_letters_that_are_not_ascii_have_a_glyph():
  def written(text):
    sheet = Image.new("RGB", (40, 40), pictures.PAPER)
    pictures.write_text(sheet, (0, 0, 40, 40), text, 15)
    return np.asarray(sheet)

  missing = written("\uffff")
  for letter in "·äßéЖ…":
    assert (written(letter) != missing).any(), letter


def test_a_sheet_without_title_and_attention_leaves_no_room_for_them():
  sources = _noise(1, 128, 128, 3)
  lines = [Line("student", sources[:, None])]
  bare = pictures.draw_sheet("", ("Bald",), sources, lines)
  titled = pictures.draw_sheet("title", ("Bald",), sources, lines)
  assert len(titled) - len(bare) == pictures.TITLE
  lines = [Line("student", sources[:, None], np.ones((1, 1, 4, 4)))]
  explained = pictures.draw_sheet("", ("Bald",), sources, lines)
  assert len(explained) - len(bare) == pictures.KEY


@pytest.mark.parametrize("size", [16, 48, 64, 128, 256])
def test_small_pictures_are_enlarged_to_a_legible_size(size):
  sources = _noise(1, size, size, 3)
  lines = [Line("student", sources[:, None])]
  widths = [
    pictures.draw_sheet("", NAMES[:count], sources, lines).shape[1]
    for count in (1, 2)
  ]
  cell = widths[1] - widths[0] - pictures.GAP
  assert cell % size == 0 and 96 <= cell <= max(size, 192)


def test_sheets_are_deterministic():
  np.testing.assert_array_equal(_plain_sheet()[0], _plain_sheet()[0])


def test_a_line_of_the_wrong_shape_is_named():
  sources = _noise(2, 32, 32, 3)
  for wrong in (
    Line("pupil", _noise(3, 3, 32, 32, 3)),
    Line("pupil", _noise(2, 3, 16, 16, 3)),
    Line("pupil", _noise(2, 3, 32, 32, 3), np.ones((2, 4, 8, 8))),
  ):
    with pytest.raises(ValueError, match="line 'pupil'"):
      pictures.draw_sheet("", NAMES, sources, [wrong])


def test_save_png_makes_its_folder_and_keeps_every_pixel(tmp_path):
  image, path = _noise(20, 30, 3), tmp_path / "samples" / "step_1.png"
  pictures.save_png(path, image)
  with Image.open(path) as saved:
    np.testing.assert_array_equal(np.asarray(saved), image)
  assert [p.name for p in path.parent.iterdir()] == ["step_1.png"]


def test_who_reads_a_picture_while_it_is_replaced_gets_a_whole_one(tmp_path):
  path = tmp_path / "a.png"
  pictures.save_png(path, _noise(40, 40, 3))
  before = path.read_bytes()
  with path.open("rb") as reader:
    start = reader.read(100)
    pictures.save_png(path, _noise(4, 4, 3))
    assert start + reader.read() == before
  assert path.read_bytes() != before


def test_a_failed_save_leaves_the_old_picture_and_nothing_else(
  tmp_path, monkeypatch
):
  path = tmp_path / "a.png"
  pictures.save_png(path, _noise(4, 4, 3))
  before = path.read_bytes()

  def half(self, file, **_):
    file.write_bytes(b"half a picture")
    raise OSError("disk full")

  monkeypatch.setattr(Image.Image, "save", half)
  with pytest.raises(OSError, match="disk full"):
    pictures.save_png(path, _noise(5, 5, 3))
  assert path.read_bytes() == before
  assert list(tmp_path.iterdir()) == [path]


def test_a_picture_of_few_colours_is_smaller_and_looks_the_same(tmp_path):
  ramp = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
  image = np.clip(ramp.astype(int) + _noise(64, 64, 3) // 16, 0, 255)
  image = image.astype(np.uint8)
  exact, few = tmp_path / "exact.png", tmp_path / "few.png"
  pictures.save_png(exact, image)
  pictures.save_png(few, image, colours=256)
  assert few.stat().st_size < exact.stat().st_size
  again = np.asarray(Image.open(few).convert("RGB"))
  assert np.abs(again.astype(int) - image).mean() < 8
