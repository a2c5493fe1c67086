"""Labelled pictures: data sets, and batches made of them.

A new data set is one file that ends in a `Dataset`, and one entry in DATASETS.
"""

from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.common.ranges import check_choice
from akd_jax.data.avatars.source import AVATARS
from akd_jax.data.dataset import Dataset
from akd_jax.data.photos.celeba import CELEBA
from akd_jax.data.photos.folder import FOLDER
from akd_jax.data.photos.kind import ANY
from akd_jax.data.photos.table import TABLE

# By config.data.name.
DATASETS: dict[str, Dataset] = {
  "avatars": AVATARS,
  "celeba": CELEBA,
  "folder": FOLDER,
  "table": TABLE,
}


def is_drawn(data: ConfigDict) -> bool:
  """Whether `config.data` names a data set that is here, and is drawn."""
  return data.name in DATASETS and DATASETS[data.name].drawn


def dataset_of(data: ConfigDict) -> Dataset:
  """Returns the data set that `config.data` names.

  Raises:
    UserError: there is no such data set; the message has the nearest. Or the
      photos may be of several: `settle` has not been asked.
  """
  if data.name == ANY:
    raise UserError(
      f"config.data.name={ANY!r} may be celeba, folder or table: name it, or"
      " take akd_jax.data.photos.kind.settle(config), which looks at"
      " config.data.path"
    )
  check_choice("data.name", data.name, [*DATASETS, ANY])
  return DATASETS[data.name]
