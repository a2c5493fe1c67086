"""Which fields of config.data go together, whichever of the sets they are of.

A run has up to three: config.data; the second label set, config.data.second;
and what its attribute classifier learns from, config.classifier.data. The last
two are the fields in which they differ from the first.
"""

from collections.abc import Collection, Mapping
from typing import Any

from ml_collections import ConfigDict

from akd_jax.common.errors import UserError, suggest
from akd_jax.common.ranges import check_choice
from akd_jax.common.two_sets import second_of
from akd_jax.configs import teacher
from akd_jax.data import DATASETS
from akd_jax.data.dataset import OPTIONAL


def check_names(
  section: str, given: Collection[str], possible: Collection[str]
) -> None:
  """Checks that the fields in which data differ are fields of data.

  Args:
    section: that has them, for the message: "config.data.second".
    given: their names.
    possible: those that it may have.

  Raises:
    UserError: one is none of these; the message has the nearest.
  """
  for field in given:
    if field not in possible:
      raise UserError(
        f"{section}.{field} is none of {', '.join(possible)}"
        f"{suggest(field, possible)}"
      )


def check_split(config: ConfigDict) -> None:
  """Checks that only class folders are split as their owner has done it.

  Raises:
    UserError: config.data, or one that differs from it, asks for more.
  """
  for section, data, given in _sets(config):
    folders = "split" in given and data.split == "folders"
    if folders and not is_read("split", data):
      raise UserError(
        f"{section}.split='folders' needs {section}.name='folder':"
        f" {data.name} is split otherwise; set 'share'"
      )


def is_read(field: str, data: ConfigDict) -> bool:
  """Whether a data set reads a field of OPTIONAL.

  Of photos of which only the place is known, what lies there decides: it may.
  """
  known = DATASETS.get(data.name)
  return known is None or field in known.reads


def check_read(config: ConfigDict) -> None:
  """Checks that no field is given which the data set does not read.

  One that is given for all of a run's sets has to be read by one of them.

  Raises:
    UserError: it would do nothing.
  """
  usual = teacher.get_config("avatars").data
  sets = _sets(config)
  for section, data, given in sets:
    # How data are split is `check_split`'s.
    for field in (x for x in OPTIONAL if x != "split"):
      if field not in given or data[field] == usual[field]:
        continue
      asked = [data]
      if section == "config.data":
        asked += [x for _, x, own in sets[1:] if field not in own]
      if not any(is_read(field, x) for x in asked):
        readers = [x for x, known in DATASETS.items() if field in known.reads]
        raise UserError(
          f"{section}.{field}={data[field]!r} would do nothing: it is a field"
          f" of {' and '.join(readers)}, and {section}.name is {data.name!r};"
          f" set {usual[field]!r}"
        )


def _sets(
  config: ConfigDict,
) -> list[tuple[str, ConfigDict, Mapping[str, Any]]]:
  """Returns of each set of a run its section, its data, and what is given."""
  sets = [("config.data", config.data, config.data)]
  if config.data.second:
    second = second_of(config.data)
    sets.append(("config.data.second", second, config.data.second))
  if own := config.classifier.data:
    data = ConfigDict(config.data.to_dict() | own.to_dict())
    sets.append(("config.classifier.data", data, own))
  return sets


def check_unbiased(config: ConfigDict) -> None:
  """Checks which attributes the classifier's pictures are weighed by.

  Those of photos may be known later: then `raking.rake` asks for them.

  Raises:
    UserError: it does not know one, or one is to say nothing of itself; or
      there are exclusive classes, which never go together.
  """
  unbiased, field = config.classifier.unbiased, "config.classifier.unbiased"
  if unbiased and (
    config.data.second or config.data.label_rule != "multilabel"
  ):
    raise UserError(
      f"{field} needs config.data.label_rule='multilabel' of all pictures:"
      " exclusive classes never go together; set {}"
    )
  own, also = config.data.attributes, config.classifier.also
  known = dict.fromkeys((*own, *also))
  for one, others in unbiased.items():
    if not others or one in others:
      raise UserError(
        f"{field}.{one}={tuple(others)} must name other attributes, of which"
        f" {one} must say nothing"
      )
    if own:
      check_choice("classifier.unbiased", one, known)
      for other in others:
        check_choice(f"classifier.unbiased.{one}", other, known)


def check_prior(config: ConfigDict) -> None:
  """Checks that it is known how frequent the classifier's attributes are.

  Raises:
    UserError: there are two sets of labels, of which each lacks the other's.
  """
  if config.classifier.prior == "equal" and config.data.second:
    raise UserError(
      "config.classifier.prior='equal' needs one set of labels: of two, each"
      " does not say how frequent the other's are; set 'data'"
    )
