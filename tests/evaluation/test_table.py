"""The printed tables have what METRICS have of a result, and no more."""

import copy

import pytest

from akd_jax.evaluation import table
from akd_jax.evaluation.metrics import METRICS
from akd_jax.evaluation.metrics.metric import (
  COUNT,
  NO_CHANCE,
  Metric,
  read_rows,
)


def network(bald, male, flips):
  cost = {"parameters": 1234, "macs": 5.6e6, "latency": {"1": {"median": 0.01}}}
  rows = {
    "Bald": {
      "accuracy": bald,
      "unchanged_accuracy": 0.125,
      "images": 4,
      "true_accuracy": 0.5,
      "identity": {"value": 0.75, "chance": 0.25},
      "gender": {
        "female": {"misjudged": 0.5, "before": 0.25},
        "male": {"misjudged": None, "before": None},
      },
      "true_gender": {"female": {"misjudged": 0.0}, "male": {"misjudged": 1.0}},
      "fid": 7.5,
    },
    "Male": {"accuracy": male, "images": 4, "mean_flips": flips},
  }
  return {
    "attributes": rows,
    "self_translation": {"Bald": {"flips": 0.0}, "Male": {"flips": 0.125}},
    "block": "block_0",
    "fid": 12.25,
    "kid": {"mean": 0.0125, "deviation": 0.002},
    "cost": cost,
  }


def result():
  found = {
    "real_accuracy": {"attributes": {"Bald": 1.0, "Male": 0.99}},
    "networks": {
      "teacher": network(0.75, 0.25, 0.125),
      "student": network(None, 0.25, None),
    },
    "training_labels": {
      "male": 0.5,
      "attributes": {"Bald": {"share": 0.25, "male": 1.0}},
    },
  }
  rows = found["networks"]["student"]["attributes"]
  rows["Bald"]["agreement"] = {"pearson": 0.5, "chance": 0.125}
  return found


TABLE = """\
accuracy  teacher  student  doing nothing  true translations  real test split
-----------------------------------------------------------------------------
Bald       75.0 %        -         12.5 %             50.0 %          100.0 %
Male       25.0 %   25.0 %              -                  -           99.0 %
-----------------------------------------------------------------------------
all        50.0 %   25.0 %         12.5 %             50.0 %           99.5 %

                                                       teacher        student
-----------------------------------------------------------------------------
other attributes that flip                              12.5 %              -
flips where nothing is set                               6.2 %          6.2 %
identity kept (picking at random)                75.0 (25.0) %  75.0 (25.0) %
agreement with the teacher's map (other people)              -    0.50 (0.12)
KID x 1,000                                              12.50          12.50
parameters                                               1,234          1,234
multiply-accumulates                                     5.6 M          5.6 M
latency, 1 picture                                     10.0 ms        10.0 ms

FID   teacher  student
----------------------
Bald     7.50     7.50
----------------------
all     12.25    12.25

women taken for men  teacher  student  doing nothing  true translations
-----------------------------------------------------------------------
Bald                  50.0 %   50.0 %         25.0 %              0.0 %
-----------------------------------------------------------------------
all                   50.0 %   50.0 %         25.0 %              0.0 %

training split  have it  men among them
---------------------------------------
Bald             25.0 %         100.0 %
---------------------------------------
all                              50.0 %"""


def test_tables_have_a_line_an_attribute_and_a_column_a_network():
  assert table.render(result()) == TABLE


def test_no_table_is_shown_of_what_is_not_known():
  photos = result()
  for network in photos["networks"].values():
    for name in ("fid", "kid"):
      del network[name]
    row = network["attributes"]["Bald"]
    for name in ("identity", "gender", "true_gender", "fid"):
      row.pop(name)
    row.pop("agreement", None)
  del photos["training_labels"]
  text = table.render(photos)
  assert text.count("\n\n") == 1
  for metric in ("identity", "agreement", "women_taken_for_men", "kid"):
    assert METRICS[metric].title not in text


@pytest.mark.parametrize("by_attribute", [False, True])
def test_a_new_entry_is_in_the_tables(monkeypatch, by_attribute):
  metric = Metric(
    title="hats", explanation="How many there are.", unit=COUNT,
    better="higher", chance=NO_CHANCE, needs=(),
    read=read_rows("hats"), by_attribute=by_attribute,
  )  # fmt: skip
  monkeypatch.setitem(METRICS, "hats", metric)
  found = copy.deepcopy(result())
  found["networks"]["student"]["attributes"]["Male"]["hats"] = 17.0
  lines = [x.split() for x in table.render(found).splitlines()]
  assert ["hats", "-", "17"] in lines or (
    ["hats", "teacher", "student"] in lines and ["Male", "-", "17"] in lines
  )


def test_an_accuracy_is_marked_where_the_classifier_is_often_wrong():
  found = result()
  found["real_accuracy"]["attributes"] = {"Bald": 0.899, "Male": 0.9}
  first, second, *others = table.render(found).split("\n\n")
  lines = first.splitlines()
  starts = ["accuracy", "-", "Bald †", "Male  ", "-", "all"]
  for line, start in zip(lines, starts, strict=False):
    assert line.startswith(start)
  assert lines[-1].startswith("† ") and "less than 90 %" in lines[-1]
  # Other figures are no worse for it, and have no mark.
  assert "†" not in "".join([second, *others])
  # Nobody knows, or nothing is wrong.
  found["real_accuracy"]["attributes"] = {"Bald": None, "Male": 0.99}
  text = table.render(found)
  assert "†" not in text
  # The mean is over what is known.
  assert text.split("\n\n")[0].splitlines()[-1].endswith("99.0 %")
