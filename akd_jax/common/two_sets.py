"""What config.data says of each of two label sets, by config.data.second."""

from ml_collections import ConfigDict


def attributes_of_second(data: ConfigDict) -> tuple[str, ...]:
  """Returns the attributes of the second of two label sets; () without one.

  Among those of a resolved config, which has both, they come last.
  """
  return tuple(data.second.get("attributes", ()))


def first_of(data: ConfigDict) -> ConfigDict:
  """Returns config.data of the first of two label sets alone."""
  first = ConfigDict(data.to_dict())
  others = attributes_of_second(data)
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
