"""The page that a browser shows: alone, and as told."""

import copy
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import types

import jax
import numpy as np
import pytest

from akd_jax import report
from akd_jax.common.errors import UserError
from akd_jax.configs import student, teacher
from akd_jax.experiments import (
  columns,
  compared,
  html_faces,
  html_page,
  html_tables,
)
from akd_jax.experiments.html_faces import Faces, Person, Strip
from akd_jax.training import versions

pytestmark = pytest.mark.quick
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PIXEL = html_faces._url(np.zeros((2, 2, 3), np.uint8))


def network(accuracy):
  return {
    "mean": accuracy,
    "block": "block_0",
    "attributes": {
      "<i>Hat": {
        "accuracy": accuracy,
        "unchanged_accuracy": 0.125,
        "mean_flips": 0.25,
        "flips": {"Male": {"flips": 0.5}, "<i>Hat": None},
      }
    },
    "self_translation": {},
    "cost": {"parameters": int(1000 * accuracy)},
  }


def write_run(workdir, accuracy, seed=0, attention="last", **fields):
  """A directory as a run and its evaluation leave it."""
  workdir.mkdir(parents=True)
  config = student.get_config("debug")
  config.update_from_flattened_dict({"seed": seed, **fields})
  (workdir / "config.json").write_text(config.to_json_best_effort())
  rows = [
    {"step": i, "time": 2.0 * i, "uptime": 2.0 * i, "g_loss_rec": 1 / i}
    for i in (1, 2)
  ]
  (workdir / "metrics.jsonl").write_text("\n".join(map(json.dumps, rows)))
  if accuracy is not None:
    result = {
      "step": 2,
      "attention": attention,
      "teacher": fields.get("teacher"),
      "real_accuracy": {"mean": 0.99, "attributes": {"<i>Hat": 0.89}},
      "networks": {"teacher": network(0.875), "student": network(accuracy)},
    }
    (workdir / "evaluation.json").write_text(json.dumps(result))
  return str(workdir)


@pytest.fixture(scope="module")
def variants(tmp_path_factory):
  """Three seeds of one recipe, and three of another, more accurate one."""
  root = tmp_path_factory.mktemp("runs")
  return compared.read_variants(
    [
      write_run(root / name / f"seed_{seed}", accuracy, seed, steps=steps)
      for name, steps, accuracies in (
        ("wide & <deep>", 7, (0.5, 0.51, 0.52)),
        ("narrow", 9, (0.75, 0.77, 0.76)),
      )
      for seed, accuracy in enumerate(accuracies)
    ]
  )


FACES = Faces(
  ("<i>Hat",),
  [Person(PIXEL, [Strip("a", False, [PIXEL]), Strip("a map", True, [PIXEL])])],
)


@pytest.fixture(scope="module")
def page(variants):
  return html_page.render("A & B", "the <command>", variants, FACES)


class Tags(html.parser.HTMLParser):
  """Collects every start tag, and checks that elements are closed."""

  VOID = {"meta", "img", "input", "path", "use", "link"}

  def __init__(self):
    super().__init__()
    self.found, self.open = [], []

  def handle_starttag(self, tag, attrs):
    self.found.append((tag, dict(attrs)))
    if tag not in self.VOID:
      self.open.append(tag)

  def handle_endtag(self, tag):
    if tag not in self.VOID:
      assert self.open.pop() == tag


def tags(page):
  parser = Tags()
  parser.feed(page)
  assert not parser.open
  return parser.found


def test_seeds_of_one_recipe_are_one_column(variants):
  assert [x.name for x in variants] == ["wide & <deep>", "narrow"]
  assert [[s.config.seed for s in x.seeds] for x in variants] == [[0, 1, 2]] * 2


def test_the_fields_that_differ_are_told_from_the_others(variants):
  differing, same = compared.compare_fields(variants)
  assert differing == {"steps": ["7", "9"]}
  assert same["data.name"] == '"avatars"' and "seed" not in same


def test_of_a_teachers_recipe_only_what_is_its_own_is_said(variants):
  copies = copy.deepcopy(variants)
  for variant, steps in zip(copies, (7, 8), strict=True):
    config = variant.seeds[0].config
    config.teacher_recipe = {"steps": steps, "batch_size": config.batch_size}
  differing, same = compared.compare_fields(copies)
  assert differing["teacher_recipe.steps"] == ["7", "8"]
  assert not any(name.startswith("teacher_recipe") for name in same)


def test_the_page_refers_to_nothing_outside(page):
  for _, attributes in tags(page):
    for name in ("src", "href", "xlink:href"):
      assert (attributes.get(name) or "#").startswith(("data:", "#"))
  assert not re.search(r"url\((?!#)", page) and "@import" not in page


def test_names_are_text_whatever_they_look_like(page):
  kinds = {tag for tag, _ in tags(page)}
  assert not kinds & {"i", "deep", "command"}
  assert "wide &amp; &lt;deep&gt;" in page and "&lt;i&gt;Hat" in page


def test_an_element_s_name_is_given_once(page):
  names = [x["id"] for _, x in tags(page) if "id" in x]
  assert len(names) == len(set(names))


def test_every_picture_has_a_text(page):
  pictures = [x for tag, x in tags(page) if tag == "img"]
  assert len(pictures) == 3 and all(x["alt"] for x in pictures)


def test_every_figure_is_explained(page):
  hints = [x["data-hint"] for _, x in tags(page) if "data-hint" in x]
  assert any(x.startswith("Share of translations of which") for x in hints)


def test_an_accuracy_is_marked_where_the_classifier_is_often_wrong(page):
  assert page.count("&lt;i&gt;Hat †") == 1
  assert page.count("† On real pictures") == 1


def test_the_verdict_is_what_the_intervals_say(variants):
  assert columns.say_verdict(columns.columns_of(variants)) == (
    "Beside narrow, wide & <deep> is worse in accuracy (-25.0)."
  )
  alike = [variants[0], variants[0]._replace(name="again")]
  assert "do not differ by more than seeds do" in columns.say_verdict(
    columns.columns_of(alike)
  )
  assert columns.say_verdict(columns.columns_of(variants[:1])) == (
    "wide & <deep> sets its attributes on 51.0 ± 1.0 % of the pictures, its"
    " teacher on 87.5 %, with 57 % of its parameters."
  )


def test_seeds_are_paired_by_their_number(tmp_path):
  accuracies = {0: 0.125, 1: 0.25, 2: 0.5, 3: 0.625}
  paths = [
    write_run(tmp_path / name / str(seed), accuracies[seed], seed, steps=steps)
    for steps, name, seeds in ((2, "a", (0, 1, 2)), (3, "b", (1, 2, 3)))
    for seed in seeds
  ]
  _, first, second = columns.columns_of(compared.read_variants(paths))
  paired = first.paired(columns.METRICS["accuracy"], second)
  assert paired == ([25.0, 50.0], [25.0, 50.0])


def test_a_teacher_does_not_differ_by_having_no_recipe_of_a_teacher(tmp_path):
  wide, taught = (write_run(tmp_path / x, 0.5, steps=9) for x in ("a", "b"))
  config = teacher.get_config("debug")
  pathlib.Path(wide, "config.json").write_text(config.to_json_best_effort())
  differing, same = compared.compare_fields(
    compared.read_variants([wide, taught])
  )
  assert differing["generator.width"] and differing["init"][0] == "-"
  assert not [x for x in differing if x.startswith("teacher_recipe.")]
  assert same["teacher_recipe.generator.width"] == "4"
  # Of students it counts.
  other = write_run(tmp_path / "c", 0.5, **{"teacher_recipe.steps": 77})
  paths = [wide, taught, other]
  differing, _ = compared.compare_fields(compared.read_variants(paths))
  assert differing["teacher_recipe.steps"] == ["-", "4", "77"]


def test_a_run_that_is_given_twice_is_one_seed(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  path = write_run(tmp_path / "a", 0.5)
  link = tmp_path / "link"
  link.symlink_to(path)
  (variant,) = compared.read_variants([path, os.path.relpath(path), str(link)])
  assert len(variant.seeds) == 1


def test_students_of_two_teachers_are_no_two_seeds(tmp_path):
  good, bad = (
    write_run(tmp_path / teacher, accuracy, teacher=teacher)
    for teacher, accuracy in (("good", 0.75), ("bad", 0.25))
  )
  variants = compared.read_variants([good, bad])
  assert [x.name for x in variants] == ["good", "bad"]
  differing, _ = compared.compare_fields(variants)
  assert differing == {"teacher": ['"good"', '"bad"']}
  # They are no one teacher's either, however alike those are.
  assert not any(x.teaches for x in columns.columns_of(variants))
  # A seed with a teacher of its own is one.
  other = write_run(tmp_path / "other", 0.5, seed=1, teacher="its own")
  (variant,) = compared.read_variants([good, other])
  assert len(variant.seeds) == 2
  # One that was repeated parts no others.
  again = write_run(tmp_path / "again", 0.5, teacher="good")
  (variant,) = compared.read_variants([good, other, again])
  assert len(variant.seeds) == 3


def test_a_run_that_is_called_teacher_is_a_run(tmp_path):
  paths = [
    write_run(tmp_path / name, accuracy, steps=steps)
    for name, accuracy, steps in (("teacher", 0.5, 2), ("student", 0.75, 3))
  ]
  found = columns.columns_of(compared.read_variants(paths))
  assert [(x.name, x.teaches) for x in found] == [
    ("their teacher", True), ("teacher", False), ("student", False),
  ]  # fmt: skip
  assert "teacher is worse in accuracy (-25.0)" in columns.say_verdict(found)
  variants = compared.read_variants(paths)
  page = html_page.render("", "", variants, Faces((), []))
  assert "student less teacher" in page


def test_maps_that_are_made_otherwise_are_not_compared(tmp_path):
  paths = [
    write_run(tmp_path / block, 0.5, attention=block, steps=steps)
    for steps, block in ((2, "last"), (3, "second_last"))
  ]
  _, first, second = columns.columns_of(compared.read_variants(paths))
  metrics = columns.METRICS
  assert not first.is_comparable(metrics["agreement"], second)
  assert first.is_comparable(metrics["accuracy"], second)


def test_means_over_other_attributes_are_not_compared(tmp_path):
  a, b = (
    write_run(tmp_path / x, 0.5, steps=i) for i, x in ((2, "a"), (3, "b"))
  )
  path = tmp_path / "b" / "evaluation.json"
  path.write_text(path.read_text().replace('"<i>Hat": {"acc', '"Bald": {"acc'))
  variants = compared.read_variants([a, b])
  _, first, second = columns.columns_of(variants)
  accuracy = columns.METRICS["accuracy"]
  assert first.paired(accuracy, second) == ([], [])
  assert (
    columns.say_verdict([first, second]) == "a and b set different attributes."
  )
  best = {x.title: x.best for x in html_tables.figures([first, second]).rows}
  assert not best["accuracy, %"] and best["parameters"]


def test_what_is_measured_on_other_pictures_is_not_compared(tmp_path):
  a, b = (
    write_run(tmp_path / x, 0.5, steps=i) for i, x in ((2, "a"), (3, "b"))
  )

  def columns_where(**second):
    measured = {"images": 64, "inception": "here"}
    for run, fields in ((a, measured), (b, measured | second)):
      path = pathlib.Path(run, "evaluation.json")
      result = json.loads(path.read_text())
      result["settings"] = {"evaluation": fields}
      path.write_text(json.dumps(result))
    _, *found = columns.columns_of(compared.read_variants([a, b]))
    return found

  accuracy = columns.METRICS["accuracy"]
  first, second = columns_where(images=8)
  assert not first.is_comparable(accuracy, second)
  assert columns.say_verdict([first, second]) == (
    "a and b were evaluated with different fields of config.evaluation."
  )
  # A file that has moved is the same one.
  first, second = columns_where(inception="there")
  assert first.is_comparable(accuracy, second)


def test_features_of_two_classifiers_are_not_compared(tmp_path):
  first, second = found = [
    write_run(tmp_path / x, 0.5, steps=i) for i, x in ((2, "a"), (3, "b"))
  ]
  path = pathlib.Path(second, "evaluation.json")
  result = json.loads(path.read_text()) | {"classifier": {"seed": 1}}
  path.write_text(json.dumps(result))
  _, ours, theirs = columns.columns_of(compared.read_variants(found))
  assert not ours.is_comparable(columns.METRICS["fd_classifier"], theirs)
  assert ours.is_comparable(columns.METRICS["accuracy"], theirs)
  # Nor are latencies of two devices.
  result["networks"]["student"]["cost"]["device"] = "another"
  path.write_text(json.dumps(result))
  _, ours, theirs = columns.columns_of(compared.read_variants(found))
  assert not ours.is_comparable(columns.METRICS["latency"], theirs)
  assert ours.is_comparable(columns.METRICS["parameters"], theirs)


@pytest.mark.parametrize(
  "otherwise",
  [
    {"classifier": {"prior": "equal"}},
    {"classifier": {"unbiased": {"Male": ["Bald"]}}},
    {"settings": {"classifier": {"data": {"conditional": {}}}}},
  ],
)
def test_predictions_that_differ_on_purpose_are_not_compared(
  tmp_path, monkeypatch, otherwise
):
  first, second = found = [
    write_run(tmp_path / x, 0.5, steps=i) for i, x in ((2, "a"), (3, "b"))
  ]
  path = pathlib.Path(second, "evaluation.json")
  result = json.loads(path.read_text()) | otherwise
  path.write_text(json.dumps(result))
  _, ours, theirs = columns.columns_of(compared.read_variants(found))
  predicted = ("accuracy", "leakage", "self_translation",
               "women_taken_for_men", "men_taken_for_women")  # fmt: skip
  for name in predicted:
    assert not ours.is_comparable(columns.METRICS[name], theirs)
  assert ours.is_comparable(columns.METRICS["identity"], theirs)
  why = (
    "a and b have classifiers that differ on purpose (config.classifier): what"
    " these predict is not compared."
  )
  assert columns.say_verdict([ours, theirs]) == why
  # What no classifier predicts is compared all the same.
  monkeypatch.setattr(columns, "DECISIVE", ("accuracy", "parameters"))
  verdict = "a and b do not differ by more than seeds do."
  assert columns.say_verdict([ours, theirs]) == f"{verdict} {why}"


def test_seeds_that_were_measured_otherwise_are_not_one_figure(tmp_path):
  paths = [
    write_run(tmp_path / f"{x}{seed}", 0.5, seed=seed, steps=i)
    for i, x in ((2, "a"), (3, "b"))
    for seed in (0, 1)
  ]
  path = pathlib.Path(paths[1], "evaluation.json")
  other = {"settings": {"evaluation": {"images": 8}}}
  path.write_text(json.dumps(json.loads(path.read_text()) | other))
  _, first, second = columns.columns_of(compared.read_variants(paths))
  assert "different fields of config.evaluation" in columns.say_verdict(
    [first, second]
  )


def test_what_has_not_been_evaluated_is_not_replaced_by_another(tmp_path):
  runs = [
    write_run(tmp_path / x, accuracy, steps=i)
    for i, (x, accuracy) in enumerate((("a", None), ("b", 0.5), ("c", 0.7)), 2)
  ]
  variants = compared.read_variants(runs)
  page = html_page.render("", "", variants, Faces((), []))
  assert "a has not been evaluated: nothing is compared with it." in page
  assert "Differences" not in page


def test_variants_have_names_of_their_own(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  paths = [
    write_run(tmp_path / "runs" / f"{name}{seed}", 0.5, seed=seed, steps=steps)
    for steps, name in ((2, "a"), (3, "b"))
    for seed in (0, 1)
  ]
  paths[0] = os.path.relpath(paths[0])
  names = [x.name for x in compared.read_variants(paths)]
  assert len(set(names)) == 2


def test_a_single_seed_says_that_it_may_be_chance(tmp_path):
  both = [write_run(tmp_path / x, y, steps=i + 1)
          for i, (x, y) in enumerate([("a", 0.5), ("b", 0.75)])]  # fmt: skip
  found = columns.columns_of(compared.read_variants(both))
  assert columns.say_verdict(found).endswith("One seed: this may be chance.")


def test_a_run_that_is_not_evaluated_yet_has_its_curves(tmp_path):
  workdir = write_run(tmp_path / "run", None)
  versions.note(workdir, 0)
  variants = compared.read_variants([workdir])
  page = html_page.render("run", "", variants, Faces((), []))
  assert "python -m akd_jax.evaluate --workdir=" in page
  assert "Nothing has been evaluated yet." in page
  assert "<svg" in page and "g_loss_rec" in page
  assert f"jax {jax.__version__}, " in page


def test_what_is_no_run_is_named(tmp_path):
  with pytest.raises(UserError, match="it has no config.json"):
    compared.read_variants([str(tmp_path)])


@pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here")
def test_no_screen_has_to_be_moved_sideways(page, tmp_path):
  (tmp_path / "page.html").write_text(page)
  frames = "".join(
    f'<iframe src="page.html" width="{width}"></iframe>'
    for width in (360, 768, 1280)
  )
  excess = (
    "<script>onload = () => document.title = Array.from(frames).map(frame => {"
    "const page = frame.document.documentElement;"
    "return page.scrollWidth - page.clientWidth})</script>"
  )
  (tmp_path / "frames.html").write_text(frames + excess)
  shown = subprocess.run(
    [
      CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
      "--allow-file-access-from-files", f"--user-data-dir={tmp_path}/chromium",
      (tmp_path / "frames.html").as_uri(),
    ],
    capture_output=True, text=True, timeout=60, check=True,
  ).stdout  # fmt: skip
  assert "<title>0,0,0</title>" in shown


def test_a_path_that_is_no_utf_8_is_shown_escaped(tmp_path):
  html_page.write(tmp_path / "page.html", os.fsdecode(b"runs/\xff"))
  assert (tmp_path / "page.html").read_text() == r"runs/\udcff"


def test_a_page_replaces_no_file_of_a_run(tmp_path, monkeypatch):
  write_run(tmp_path / "run", 0.5)
  path = tmp_path / "run" / "config.json"
  before = path.read_text()
  flags = {"workdir": str(tmp_path / "run"), "compare": [], "out": str(path)}
  monkeypatch.setattr(report.flags, "FLAGS", types.SimpleNamespace(**flags))
  with pytest.raises(UserError, match="should end in .html or .htm"):
    report.main([])
  assert path.read_text() == before
