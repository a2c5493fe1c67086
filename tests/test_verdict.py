"""The quickstart's last table."""

import importlib.util

from tests.evaluation.test_table import network
from tests.small_runs import ROOT

PATH = ROOT / "docs" / "verdict.py"
SPEC = importlib.util.spec_from_file_location("verdict", PATH)
verdict = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(verdict)

CSV = """\
variant,seed,metric,attribute,value
untaught,0,accuracy,,80.0
untaught,1,accuracy,,84.0
untaught,0,accuracy,Goatee,10.0
untaught,0,fd_classifier,,50.0
attention,0,accuracy,,70.0
"""


def test_published_figures_are_means_over_seeds_of_all_attributes(tmp_path):
  path = tmp_path / "page.csv"
  path.write_text(CSV)
  found = verdict.published(path)
  assert found["untaught"] == {"accuracy": 82.0, "fd_classifier": 50.0}
  assert found["attention"] == {"accuracy": 70.0}


def test_published_students_stand_beside_those_of_the_run(monkeypatch):
  monkeypatch.setattr(verdict, "ROWS", ("accuracy", "leakage"))
  networks = {
    "teacher": network(0.75, 0.25, 0.125),
    "student": network(0.5, 0.25, 0.25),
  }
  others = {
    "untaught": {"accuracy": 82.0, "leakage": 10.0},
    "attention": {"accuracy": 70.0, "leakage": 9.5},
  }
  assert verdict.table(networks, others).splitlines() == [
    "                            teacher  student  untaught*  by attention*",
    "accuracy                     50.0 %   37.5 %     82.0 %         70.0 %",
    "other attributes that flip   12.5 %   25.0 %     10.0 %          9.5 %",
  ]


def test_the_published_page_has_all_that_is_printed():
  found = verdict.published(verdict.PUBLISHED)
  for variant in verdict.VARIANTS:
    assert set(verdict.ROWS) <= set(found[variant])
