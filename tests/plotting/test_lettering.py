"""Names of users in pictures."""

import warnings

import numpy as np
import pytest
from PIL import Image

from akd_jax.plotting import curves, flip_matrix, lettering, sample_grid

# Whatever fonts there are, nobody has this sign: it is for private use.
NOBODYS = "\U0010fffd"
NAMES = (
  "a/b", "..", "x=1", "$a_$b$", "$\\frac", "n" * 300, "帽子" * 150, "帽子",
  "_hidden", "Ba\u0308rte", NOBODYS, "{}%s",
)  # fmt: skip


def test_a_name_is_shown_as_it_is_where_a_font_has_it():
  assert lettering.show_name("Blond_Hair") == "Blond Hair"
  assert lettering.show_name("Bärte ≤ 3") == "Bärte ≤ 3"


def test_two_names_that_no_font_has_are_shown_as_two():
  first, second = NOBODYS, chr(ord(NOBODYS) - 1)
  assert lettering.show_name(f"a{first}") == "a<10FFFD>"
  assert lettering.show_name(second) == "<10FFFC>"


@pytest.mark.parametrize("letter", ["n", NOBODYS])
def test_a_name_is_not_longer_than_there_is_room(letter):
  assert len(lettering.show_name(letter * 300)) == 48


def test_pictures_have_names_of_any_kind(tmp_path):
  """Matplotlib takes dollars for formulas, and warns where a letter is none."""
  with warnings.catch_warnings():
    warnings.simplefilter("error")
    images = np.zeros((1, len(NAMES), 4, 4, 3), np.uint8)
    lines = [sample_grid.Line("$\\frac 帽", images)]
    sheet = sample_grid.draw_sheet("$\\frac 帽", NAMES, images[:, 0], lines)
    assert sheet.shape[1] > 100 * len(NAMES)
    matrix = {
      name: {x: None if x == name else {"flips": 0.5} for x in NAMES}
      for name in NAMES
    }
    flip_matrix.draw(matrix, tmp_path / "m.png", "$\\frac 帽")
    terms = {"a": (np.array([1, 2]), np.array([1.0, 2.0]))}
    curves.draw(dict.fromkeys(NAMES, terms), tmp_path / "c.png", ["a"])
  # Every cell is there, however long the names are.
  with Image.open(tmp_path / "m.png") as picture:
    assert min(picture.size) > len(NAMES) * flip_matrix.CELL * flip_matrix.DOTS
