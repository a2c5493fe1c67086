"""An experiment's page says what its seeds say, and no more."""

import csv
import io
import json
import pathlib

import numpy as np
import pytest
from ml_collections import ConfigDict

from akd_jax.distillation import METHODS
from akd_jax.evaluation import record
from akd_jax.evaluation.metrics import METRICS
from akd_jax.experiments import markdown_page, report, rows
from akd_jax.experiments.plan import PlannedRun, Replicate
from akd_jax.experiments.rows import Row
from akd_jax.experiments.statistics import paired_difference, spread
from benchmarks import pooled


def result(accuracy, block="last", **row):
  row = {
    "accuracy": accuracy, "unchanged_accuracy": 0.125, "mean_flips": 0.25,
    "true_accuracy": 0.875, "agreement": {"pearson": 0.5, "chance": 0.25},
    "gender": {"female": {"misjudged": 0.75}},
    "true_gender": {"female": {"misjudged": 0.125}},
  } | row  # fmt: skip
  return {
    "real_accuracy": {"mean": 0.995},
    "attention": {"method": "grad_cam", "block": block},
    "networks": {
      "teacher": {"attributes": {}, "block": "block_0"},
      "student": {
        "attributes": {"Bald": row},
        "self_translation": {"Bald": {"flips": 0.0}},
        "block": "block_0",
        "fd_classifier": 12.0,
        "cost": {"parameters": 12},
      },
    },
  }


def markdown(variants, paper=""):
  return markdown_page.render("Title", paper, "the command", 7200, variants)


def test_the_page_compares_seed_by_seed():
  text = markdown(
    {
      "without": [result(0.5), result(0.75)],
      "with": [result(0.75), result(1.0, mean_flips=None)],
    },
    "what it said",
  )
  assert "The paper: what it said" in text
  assert "2 seeds, 2.0 hours" in text
  assert "| accuracy | 62.50 ± 17.68 | 87.50 ± 17.68 | 87.50 |" in text
  assert "| accuracy, Bald | 62.50 ± 17.68 | 87.50 ± 17.68 |" in text
  assert "| accuracy | +25.00 [+25.00, +25.00] |" in text
  # Not measured in every seed: no number.
  assert "| other attributes that flip | 25.00 | - | - |" in text
  assert "| fd_classifier | 12.00 | 12.00 | - |" in text


def test_the_page_says_how_many_intervals_chance_alone_makes():
  seeds = [result(0.5, x=i) for i in range(2)]
  few = markdown({"a": seeds, "b": seeds})
  assert "If nothing differed" not in few
  many = markdown({"a": seeds} | {f"b{i}": seeds for i in range(9)})
  count = many.count(" [")
  assert (
    f"about {round(0.05 * count)} of these {count} intervals would hold no 0"
  ) in many


def test_the_chance_level_stands_below_and_is_not_compared():
  text = markdown({"a": [result(0.5)], "b": [result(0.75)]})
  title = METRICS["agreement"].title
  assert f"| {title} | 0.50 | 0.50 | - |\n| {title}, other people" in text
  assert text.count(f"{title}, other people | 0.25") == 1
  assert text.count("accuracy, doing nothing") == 1


def test_the_page_says_what_the_classifier_makes_of_the_truth():
  text = markdown({"a": [result(0.5)], "b": [result(0.75)]})
  assert "99.50 % of the real test split." in text
  assert "|  | a | b | true translations |" in text
  assert "| accuracy | 50.00 | 75.00 | 87.50 |" in text
  assert "| women taken for men, Bald | 75.00 | 75.00 | 12.50 |" in text
  # It is no variant: there is nothing to compare it with.
  assert "|  | b |" in text


def test_the_mean_over_true_translations_is_that_of_the_first_variant():
  taught_by_another = result(0.5, true_accuracy=0.25)
  found = rows.read_truth([result(0.5), taught_by_another])
  assert found[Row("accuracy", "", False)] == 87.5


def test_an_accuracy_is_marked_where_the_classifier_is_often_wrong():
  doubtful = result(0.75)
  doubtful["real_accuracy"]["attributes"] = {"Bald": 0.5}
  text = markdown({"a": [result(0.5)], "b": [doubtful]})
  assert text.count("| accuracy, Bald † |") == 2
  assert text.count("†") == 3
  assert text.splitlines()[-1].startswith("† On real pictures")
  assert "†" not in markdown_page.format_seeds({"a": [doubtful]})


def test_maps_that_are_made_otherwise_are_not_compared():
  text = markdown(
    {
      "last": [result(0.5)],
      "again": [result(0.5)],
      "second last": [result(0.5, "second_last")],
    }
  )
  title = METRICS["agreement"].title
  assert f"| {title} | 0.50 | 0.50 | 0.50 | - |" in text
  assert f"| {title} | +0.00 | - |" in text
  assert "| accuracy | +0.00 | +0.00 |" in text


def test_without_true_translations_nothing_is_said_of_them():
  photos = result(0.5)
  row = photos["networks"]["student"]["attributes"]["Bald"]
  del row["true_accuracy"], row["true_gender"]
  assert "true" not in markdown({"a": [photos]})


def test_only_seeds_that_every_variant_has_are_compared():
  variants = {"a": [result(0.5)] * 2, "b": [result(0.5)]}
  assert "1 seed, " in markdown(variants)
  assert markdown({"a": [], "b": []}) == ""


def test_classifiers_of_several_machines_are_told():
  other = {"real_accuracy": {"mean": 0.875}, "classifier": {"seed": 1}}
  other = result(0.5) | other
  alike = markdown({"a": [result(0.5)], "b": [result(0.5)]})
  assert "The attribute classifier is right on 99.50 % of" in alike
  differing = markdown({"a": [result(0.5)], "b": [other]})
  assert "several attribute classifiers" in differing
  assert "right on 87.50 %, 99.50 % of" in differing


def test_what_a_network_costs_is_on_the_page_and_not_compared():
  text = markdown({"a": [result(0.5)] * 2, "b": [result(0.75)] * 2})
  title = METRICS["parameters"].title
  assert [x for x in text.splitlines() if title in x] == [
    f"| {title} | 12 | 12 | - |"
  ]


def with_losses(**losses):
  found = result(0.5)
  found["networks"]["student"]["losses"] = losses
  return found


def test_a_teacher_that_is_a_file_stands_beside_its_students():
  def run(teacher, weight=1.0):
    fields = {"teacher": teacher, "adversary": "scratch"}
    fields["distill"] = {"akd": {"weight": weight}}
    return PlannedRun(ConfigDict(fields), pathlib.Path("nowhere"))

  results = {"untaught": result(0.5), "taught": result(0.75)}
  teacher = {"attributes": {"Bald": None}}
  results["untaught"]["networks"]["teacher"] = teacher
  variants = {"untaught": run("a.npz", 0.0), "taught": run("a.npz")}
  found = report.shipped_teacher(Replicate(variants, {}), results)
  assert record.trained_network(found["teacher"]) == teacher
  # Not where each has its own, or one that was trained has its own result.
  other = Replicate(variants | {"other": run("b.npz")}, {})
  trained = Replicate(variants, {"teacher": run("")})
  for replicate in (other, trained):
    assert report.shipped_teacher(replicate, results) == {}


@pytest.mark.parametrize("method", METHODS)
def test_the_weight_of_each_methods_term_is_on_the_page(method):
  terms = {METHODS[method].term: 0.1, "g_loss_rec": 2.0}
  found = rows.read_figures(with_losses(**terms))
  row = Row(f"{method}_of_reconstruction", "", False)
  assert found[row] == pytest.approx(5)


def test_the_weight_of_the_attention_term_is_called_after_it():
  taught = with_losses(g_loss_akd=0.1, g_loss_rec=2.0)
  row = Row("akd_of_reconstruction", "", False)
  assert rows.read_figures(taught)[row] == pytest.approx(5)
  text = markdown({"without": [with_losses(g_loss_rec=2.0)], "with": [taught]})
  # No row among the differences: the baseline has no such term.
  assert text.count("L_akd, weighted") == 1
  assert "| L_akd, weighted, of L_rec | - | 5.00 |" in text


def test_every_attribute_has_its_distance_on_the_page():
  photos = result(0.5, fid=7.0)
  photos["networks"]["student"] |= {"fid": 3.0, "kid": {"mean": 0.0125}}
  figures = rows.read_figures(photos)
  assert figures[Row("fid", "", False)] == 3
  assert figures[Row("fid", "Bald", False)] == 7
  assert figures[Row("kid", "", False)] == 12.5
  assert Row("kid", "", False).title == "KID x 1,000"


def seeds(count=3, gain=0.03):
  """Two variants of seeds with digits enough to be rounded on a page."""
  rng = np.random.default_rng(0)
  return {
    "without": [result(x) for x in rng.uniform(0.6, 0.9, count)],
    "with, weight 1": [result(x + gain) for x in rng.uniform(0.6, 0.9, count)],
  }


def test_every_number_of_the_page_follows_from_the_table_of_seeds():
  variants = seeds()
  text = markdown_page.format_seeds(variants)
  lines = list(csv.DictReader(io.StringIO(text)))
  assert list(lines[0]) == ["variant", "seed", "metric", "attribute", "value"]
  found = {}
  for line in lines:
    key = line["metric"], line["attribute"], line["variant"]
    found.setdefault(key, []).append(float(line["value"]))
    assert line["seed"] == str(len(found[key]) - 1)
  shown = markdown(variants)
  for (metric, attribute, variant), values in found.items():
    name = metric.removesuffix("_by_chance")
    row = Row(name, attribute, name != metric)
    mean, deviation = spread(values)
    (line,) = [
      x for x in shown.splitlines()
      if x.startswith(f"| {row.title} | ") and "[" not in x
    ]  # fmt: skip
    said = "12" if row.is_cost else f"{mean:.2f}"
    if deviation:
      said += f" ± {deviation:.2f}"
    assert f"| {said} |" in line, (row, variant)
  pair = [found["accuracy", "", variant] for variant in reversed(variants)]
  mean, low, high = paired_difference(*pair)
  assert f"| accuracy | {mean:+.2f} [{low:+.2f}, {high:+.2f}] |" in shown


def test_a_table_names_the_seeds_that_are_done():
  lines = markdown_page.format_seeds({"a": [result(0.5)] * 2}, seeds=[1, 2])
  assert {x["seed"] for x in csv.DictReader(io.StringIO(lines))} == {"1", "2"}


def test_pages_and_tables_of_seeds_are_pooled_alike(tmp_path):
  variants = seeds()
  (tmp_path / "table.md").write_text(markdown(variants))
  rounded = pooled.read(tmp_path, "table:with, weight 1", "accuracy")
  (tmp_path / "table.csv").write_text(markdown_page.format_seeds(variants))
  exact = pooled.read(tmp_path, "table:with, weight 1", "accuracy")
  assert rounded.seeds == exact.seeds == 3
  assert rounded.mean == pytest.approx(exact.mean, abs=0.006)
  assert rounded.error == pytest.approx(exact.error, abs=0.006)
  values = [
    [
      100 * x["networks"]["student"]["attributes"]["Bald"]["accuracy"]
      for x in y
    ]
    for y in variants.values()
  ]
  differences = np.subtract(*reversed(values))
  assert exact.error == pytest.approx(differences.std(ddof=1) / np.sqrt(3))


@pytest.mark.parametrize("table", ["table:nobody", "table:with, weight 1"])
@pytest.mark.parametrize("kind", ["md", "csv"])
def test_what_a_page_does_not_have_is_named(tmp_path, table, kind):
  variants = seeds()
  texts = {
    "md": markdown(variants),
    "csv": markdown_page.format_seeds(variants),
  }
  (tmp_path / f"table.{kind}").write_text(texts[kind])
  row = "accuracy" if "nobody" in table else "hats"
  with pytest.raises(SystemExit, match=f"table.{kind} has no '{row}' of"):
    pooled.read(tmp_path, table, row)


def test_the_published_pages_exclude_the_papers_gain(capsys):
  # The eight tables that share no baseline.
  tables = [
    pooled.read("docs/results", table, "accuracy") for table in pooled.TABLES
  ]
  assert len({x.table.partition(":")[0] for x in tables}) == len(tables) == 8
  found = pooled.pool([x.mean for x in tables], [x.error for x in tables])
  assert found.low < 0 < found.high < 2.3
  assert json.dumps(found)
