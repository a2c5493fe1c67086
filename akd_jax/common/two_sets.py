"""What config.data says of each of two label sets, by config.data.second."""

from ml_collections import ConfigDict


def first_of(data: ConfigDict) -> ConfigDict:
  """Returns config.data of the first of two label sets alone."""
  first = ConfigDict(data.to_dict())
  others = tuple(data.second.get("attributes", ()))
  names = tuple(data.attributes)
  # A resolved config has those of both.
  if others and names[-len(others) :] == others:
    first.attributes = names[: -len(others)]
  del first["second"]
  first.second = ConfigDict()
  return first


def second_of(data: ConfigDict) -> ConfigDict:
  """Returns config.data of the second of two label sets alone."""
  second = ConfigDict(data.to_dict())
  del second["second"]
  second.attributes = ()
  second.update(ConfigDict(data.second.to_dict()))
  second.second = ConfigDict()
  return second
