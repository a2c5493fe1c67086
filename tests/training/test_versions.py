"""A run notes with which programs it was trained."""

import json

import jax
import pytest

from akd_jax.common.errors import UserError
from akd_jax.training import versions


def test_versions_are_noted_where_they_change(tmp_path, monkeypatch):
  workdir = str(tmp_path)
  versions.note(workdir, 0)
  versions.note(workdir, 10)
  (first,) = versions.read(workdir)
  assert first["from_step"] == 0 and first["jax"] == jax.__version__
  # What draws avatars decides what is learnt, too.
  assert {"dicebear-core", "dicebear-styles", "resvg-py"} <= first.keys()
  monkeypatch.setattr(versions, "list_versions", lambda: {"jax": "99.0"})
  versions.note(workdir, 20)
  assert [x["from_step"] for x in versions.read(workdir)] == [0, 20]
  assert versions.describe(workdir).endswith("jax 99.0")
  assert f"jax {jax.__version__}, " in versions.describe(workdir)


def test_a_run_of_an_earlier_version_has_noted_none(tmp_path):
  assert versions.read(str(tmp_path)) == []
  assert versions.describe(str(tmp_path)) == ""


@pytest.mark.parametrize("content", ["{", "{}", "[1]", '[{"jax": 1}]'])
def test_what_is_damaged_is_refused_by_name(tmp_path, content):
  (tmp_path / "versions.json").write_text(content)
  with pytest.raises(UserError, match=r"versions\.json"):
    versions.read(str(tmp_path))


def test_the_file_is_plain_json(tmp_path):
  versions.note(str(tmp_path), 3)
  (entry,) = json.loads((tmp_path / "versions.json").read_text())
  assert set(entry) == {"from_step", "akd_jax", "python", *versions.PACKAGES}
