"""Labelled pictures: data sets, and batches made of them.

A new data set is one file that ends in a `Dataset`, and one entry in DATASETS.
"""

from akd_jax.data.avatars.source import AVATARS
from akd_jax.data.dataset import Dataset
from akd_jax.data.photos.celeba import CELEBA
from akd_jax.data.photos.folder import FOLDER
from akd_jax.data.photos.table import TABLE

# By config.data.name.
DATASETS: dict[str, Dataset] = {
  "avatars": AVATARS,
  "celeba": CELEBA,
  "folder": FOLDER,
  "table": TABLE,
}
