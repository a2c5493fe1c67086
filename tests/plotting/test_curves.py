"""Training curves."""

import numpy as np
from PIL import Image

from akd_jax.plotting import curves


def _terms(factor=1.0, names=("g_loss_rec", "g_loss_akd")):
  steps = np.arange(1, 60)
  return {name: (steps, factor / steps) for name in names}


def test_curves_draw_several_runs_in_their_own_colours(tmp_path):
  teacher = _terms(1.0, ("g_loss_rec",))
  student = _terms(0.2)
  out = tmp_path / "curves.png"

  def colours(runs):
    curves.draw(runs, out, ["g_loss_rec"])
    with Image.open(out) as image:
      pixels = np.asarray(image).reshape(-1, 3)
    values, counts = np.unique(pixels, axis=0, return_counts=True)
    vivid = (np.ptp(values.astype(int), axis=1) > 150) & (counts > 50)
    return {tuple(value) for value in values[vivid].tolist()}

  alone = colours({"teacher": teacher})
  both = colours({"teacher": teacher, "student": student})
  assert alone and alone < both


def test_curves_show_the_terms_asked_for(tmp_path):
  widths = []
  for names in (["g_loss_rec", "g_loss_akd"], ["g_loss_rec"]):
    curves.draw({"run": _terms()}, tmp_path / "c.png", names)
    with Image.open(tmp_path / "c.png") as image:
      widths.append(image.width)
  assert widths[0] > widths[1]


def test_the_running_mean_keeps_constants_and_tames_noise():
  np.testing.assert_allclose(curves._smooth(np.full(100, 3.0)), 3.0)
  np.testing.assert_array_equal(curves._smooth(np.arange(5.0)), np.arange(5))
  noise = np.random.default_rng(0).normal(size=400)
  assert curves._smooth(noise).std() < 0.5
