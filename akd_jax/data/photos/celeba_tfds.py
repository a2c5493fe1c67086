"""CelebA as TensorFlow Datasets stores it."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.common.output import note
from akd_jax.data.attributes import CELEBA, attribute_indices
from akd_jax.data.photos.source import (
  Photos,
  PhotoSource,
  find_exclusive,
  open_photos,
)


def open_celeba_tfds(data: ConfigDict, split: str) -> PhotoSource:
  """Opens a split of `celeb_a`, downloaded and prepared if it is not yet.

  All labels are read at once, without decoding an image: that takes ten seconds
  for the training split.

  Raises:
    UserError: TensorFlow Datasets cannot provide it.
  """
  if data.split_rule != "official":
    raise UserError(
      f"config.data.split_rule={data.split_rule} needs the order of the"
      " attribute list, which TensorFlow Datasets does not keep; set"
      " config.data.path"
    )
  attributes = tuple(data.attributes) or CELEBA
  attribute_indices(CELEBA, attributes, "celeb_a")
  records = _open_records(split)
  return open_photos(
    data,
    split,
    Photos(
      where=f"tfds celeb_a {split}",
      names=[str(index) for index in range(len(records))],
      splits=[split] * len(records),
      labels=_read_labels(records, attributes),
      attributes=attributes,
      exclusive=find_exclusive(CELEBA),
      read=functools.partial(_read_image, records),
      split_by="TensorFlow Datasets has another celeb_a",
    ),
  )


def _open_records(split: str) -> Sequence[bytes]:
  _say_where_from()
  try:
    import tensorflow_datasets as tfds

    # Records are parsed here: tfds takes 1.4 ms to turn one into its 55
    # features, which is twice what decoding the image costs.
    return tfds.data_source(
      "celeb_a",
      split=split,
      deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES,
    )
  except Exception as error:  # Network, quota, disk, missing package, ...
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    raise UserError(
      "TensorFlow Datasets cannot provide celeb_a; set config.data.path to a"
      " folder with img_align_celeba, list_attr_celeba.txt and"
      f" list_eval_partition.txt ({reason})"
    ) from error


@functools.cache
def _say_where_from() -> None:
  """Says once what nobody may have asked for: a long download."""
  note(
    "note: config.data.path is not set: CelebA comes from TensorFlow Datasets,"
    " which downloads 1.4 GB where it is not there yet"
  )


def _features(record: bytes) -> Any:
  """Returns the features of a record by name, images still encoded."""
  # This module of tfds does not import TensorFlow: workers start fast.
  from tensorflow_datasets.proto import tf_example_pb2

  return tf_example_pb2.Example.FromString(record).features.feature


def _read_labels(
  records: Sequence[bytes], attributes: Sequence[str]
) -> np.ndarray:
  labels = np.empty((len(records), len(attributes)), np.uint8)
  for index in range(len(records)):
    features = _features(records[index])
    labels[index] = [
      features[f"attributes/{name}"].int64_list.value[0] for name in attributes
    ]
  return labels


def _read_image(records: Sequence[bytes], name: str) -> bytes:
  return _features(records[int(name)])["image"].bytes_list.value[0]
