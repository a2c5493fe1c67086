"""Which pictures something has been learnt from or taken of, as a digest."""

import hashlib
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.config import WHEN_SEEN, remove_added
from akd_jax.common.files import digest
from akd_jax.configs import teacher
from akd_jax.data import is_drawn
from akd_jax.data.photos.source import PhotoSource
from akd_jax.data.pipeline import digests_of_content

# Fields of config.data that avatars have, and do not ask.
_OF_PHOTOS = ("path", "csv", "split_rule", "test_share", "skip_unreadable")


def digests_of(config: ConfigDict, train: Any) -> list[str]:
  """Tells data sets apart by the fields that choose images, and by a look.

  The labels notice a folder that has grown, the first image a data set that
  is drawn or decoded in another way. Photos are the same wherever they and
  their CSV lie.

  Returns:
    The digest, and behind it those by which earlier versions have kept what
    they had of the same pictures: they told apart where the CSV lay, and not
    the sizes of what is in a zip.
  """
  fields, look = fields_of(config), look_at(train)
  if not isinstance(train, PhotoSource):
    return [digest(fields, look)]
  contents = digests_of_content(train, config.data.threads)
  return [
    digest(fields | {"path": content, "csv": csv}, look)
    for csv in dict.fromkeys(("", fields["csv"]))
    for content in contents
  ]


def look_at(source: Any) -> str:
  """Tells splits apart by their labels and their first image."""
  look = hashlib.sha256(np.asarray(source.labels).tobytes())
  look.update(source[0]["image"].tobytes())
  return look.hexdigest()


def fields_of(config: ConfigDict) -> dict[str, Any]:
  """Returns the fields of config.data that choose images."""
  data = config.data.to_dict()
  drawn = is_drawn(config.data)
  if drawn:
    # Where drawings are kept, and how photos are listed: it chooses none.
    usual = teacher.get_config("avatars").data
    data |= {name: usual[name] for name in _OF_PHOTOS}
  # What earlier versions have kept of photos is found by the fields they had.
  fields = remove_added({"data": data})["data"]
  fields.pop("threads")  # Changes how fast, not what.
  for name in WHEN_SEEN:
    fields.pop(name, None)  # Change when, not what.
  fields.pop("exclusive", None)  # A run's: follows from the rest.
  if drawn:
    fields.pop("crop")  # They are square as they are drawn.
  return fields
