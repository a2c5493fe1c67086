"""Damage of any kind is told as damage."""

import json
from pathlib import Path

import pytest

from akd_jax.common import config, json_text, paths
from akd_jax.common.errors import UserError
from akd_jax.evaluation import record
from akd_jax.training import metrics_file, versions

DEEP = "[" * 100_000


@pytest.mark.parametrize("text", ["", "{", DEEP])
def test_what_is_no_json_is_a_wrong_value(text):
  with pytest.raises(ValueError, match="."):
    json_text.parse(text)


def test_deep_files_are_damaged(tmp_path):
  path = tmp_path / "evaluation.json"
  path.write_text(DEEP)
  with pytest.raises(UserError, match="or damaged"):
    record.read(path)
  with pytest.raises(UserError, match="^config.json is not JSON"):
    config.read(DEEP, "config.json")
  # Read by the parser, and copied by nobody.
  fields = '{"data": ' + '{"a": ' * 900 + "1" + "}" * 901
  assert json.loads(fields)
  with pytest.raises(UserError, match="^config.json is no config"):
    config.read(fields, "config.json")
  (tmp_path / "versions.json").write_text(DEEP)
  with pytest.raises(UserError, match="cannot read"):
    versions.read(str(tmp_path))
  assert metrics_file._row(DEEP) is None
  (tmp_path / "config.json").write_text(DEEP)
  assert not paths._is_of_photos(Path(tmp_path))
