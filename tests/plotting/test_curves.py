"""Training curves, read from metrics.jsonl."""

import json

import numpy as np
import pytest
from PIL import Image

from akd_jax.common.errors import UserError
from akd_jax.plotting import curves


def _write_metrics(path, factor=1.0, terms=("g_loss_rec", "g_loss_akd")):
  rows = [
    {"step": step, "time": 1.5 * step} | {name: factor / step for name in terms}
    for step in range(1, 60)
  ]
  path.write_text("".join(json.dumps(row) + "\n" for row in rows))
  return path


def _size(path):
  with Image.open(path) as image:
    return image.size


def test_curves_draw_several_runs_in_their_own_colours(tmp_path):
  teacher = _write_metrics(tmp_path / "t.jsonl", 1.0, ("g_loss_rec",))
  student = _write_metrics(tmp_path / "s.jsonl", 0.2)
  out = tmp_path / "curves.png"

  def colours(runs):
    curves.draw(runs, out)
    with Image.open(out) as image:
      pixels = np.asarray(image).reshape(-1, 3)
    values, counts = np.unique(pixels, axis=0, return_counts=True)
    vivid = (np.ptp(values.astype(int), axis=1) > 150) & (counts > 50)
    return {tuple(value) for value in values[vivid].tolist()}

  alone = colours({"teacher": teacher})
  both = colours({"teacher": teacher, "student": student})
  assert alone and alone < both


def test_curves_show_the_terms_asked_for(tmp_path):
  terms = (
    "g_loss_rec",
    "held_out/score",
    "weighted/g_loss_rec",
    "held_out/accuracy/Smiling",
  )
  run = {"run": _write_metrics(tmp_path / "m.jsonl", terms=terms)}
  sizes = []
  for names in ((), terms[:2], terms[:1]):
    curves.draw(run, tmp_path / "c.png", names)
    sizes.append(_size(tmp_path / "c.png"))
  # Time, weighted terms and single attributes have no panel unless asked for.
  assert sizes[0] == sizes[1]
  assert sizes[1][0] > sizes[2][0]


def test_metrics_of_a_running_or_diverged_run_are_read(tmp_path):
  path = tmp_path / "m.jsonl"
  rows = ['{"step": 1, "a": 1.0}', '{"step": 2, "a": NaN}',
          '{"step": 3, "a": 3.0, "b": null}', '{"step": 4, "a"']  # fmt: skip
  path.write_text("\n".join(rows))
  terms = curves.read_terms(path)
  assert list(terms) == ["a"]
  np.testing.assert_array_equal(terms["a"], [[1, 3], [1, 3]])
  curves.draw({"run": path}, tmp_path / "c.png")


def test_a_torn_line_is_left_out_and_named(tmp_path, capsys):
  path = _write_metrics(tmp_path / "m.jsonl")
  lines = path.read_text().splitlines()
  lines[6] = lines[6][:20] + lines[7]
  path.write_text("\n".join(lines) + "\n")
  terms = curves.read_terms(path)
  assert 7 not in terms["g_loss_rec"][0] and 9 in terms["g_loss_rec"][0]
  assert capsys.readouterr().err == (
    f"{path}: left out what is damaged, line 7\n"
  )


def test_curves_name_what_is_wrong(tmp_path):
  good = _write_metrics(tmp_path / "m.jsonl")
  empty = tmp_path / "empty.jsonl"
  empty.write_text("")
  for path, names, message in (
    (tmp_path / "none.jsonl", (), "cannot read .*none.jsonl"),
    (empty, (), "no numbers to draw in .*empty.jsonl"),
    (good, ("g_loss_reg",), "did you mean 'g_loss_"),
  ):
    with pytest.raises(UserError, match=message):
      curves.draw({"run": path}, tmp_path / "c.png", names)
  assert not (tmp_path / "c.png").exists()


def test_the_running_mean_keeps_constants_and_tames_noise():
  np.testing.assert_allclose(curves._smooth(np.full(100, 3.0)), 3.0)
  np.testing.assert_array_equal(curves._smooth(np.arange(5.0)), np.arange(5))
  noise = np.random.default_rng(0).normal(size=400)
  assert curves._smooth(noise).std() < 0.5
