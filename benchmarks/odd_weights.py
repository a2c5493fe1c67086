"""Files of weights, and what damage and bad will make of them.

Each damage takes a random number generator and a file's content, and returns
another. None of them leaves a file that is as good as it was, but for bits that
say nothing, such as the date of a zip's member.
"""

import io
import json
import pickle
import pickletools
import struct
import zipfile

import numpy as np

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001


def flip(rng, content):
  """Flips 1 to 8 bits anywhere."""
  return _flipped(rng, content, 0, len(content))


def flip_start(rng, content):
  """Flips 1 to 8 bits of the first 512 bytes."""
  return _flipped(rng, content, 0, min(512, len(content)))


def flip_end(rng, content):
  """Flips 1 to 8 bits of the last 2,048 bytes: a zip's directory."""
  return _flipped(rng, content, max(0, len(content) - 2048), len(content))


def _flipped(rng, content, start, end):
  data = bytearray(content)
  for place in rng.integers(start, end, rng.integers(1, 9)):
    data[place] ^= 1 << int(rng.integers(8))
  return bytes(data)


def truncate(rng, content):
  """Cuts off an end of any length."""
  return content[: rng.integers(len(content))]


def overwrite(rng, content):
  """Writes zeros over up to 4,096 bytes."""
  data, start = bytearray(content), int(rng.integers(len(content)))
  end = min(start + int(rng.integers(1, 4096)), len(content))
  data[start:end] = bytes(end - start)
  return bytes(data)


def insert(rng, content):
  """Puts up to 64 random bytes in between."""
  start = int(rng.integers(len(content)))
  more = rng.bytes(int(rng.integers(1, 64)))
  return content[:start] + more + content[start:]


BYTES = (flip, flip_start, flip_end, truncate, overwrite, insert)


def _members(content):
  with zipfile.ZipFile(io.BytesIO(content)) as archive:
    return {name: archive.read(name) for name in archive.namelist()}


def _packed(members, method=zipfile.ZIP_DEFLATED):
  stream = io.BytesIO()
  with zipfile.ZipFile(stream, "w", method) as archive:
    for name, data in members.items():
      archive.writestr(name, data)
  return stream.getvalue()


def _npy(array):
  stream = io.BytesIO()
  np.save(stream, array, allow_pickle=True)
  return stream.getvalue()


def _weights(members):
  """Names of members that are arrays of weights."""
  return [name for name in members if "/" in name and name.endswith(".npy")]


def edit_npz(rng, content):
  """Changes a member of an .npz so that every checksum is right again."""
  members = _members(content)
  names = _weights(members)
  name, other = (str(x) for x in rng.choice(names, 2, replace=False))
  array = np.load(io.BytesIO(members[name]))
  match rng.integers(10):
    case 0:
      spoiled = array.copy()
      spoiled.flat[int(rng.integers(spoiled.size))] = rng.choice(
        [np.nan, np.inf, -np.inf]
      )
      members[name] = _npy(spoiled)
    case 1:
      del members[name]
    case 2:
      members[f"more/{name}"] = members[name]
    case 3:
      members[name] = _npy(array[..., None])
    case 4:
      members[name] = _npy(array.ravel()[:-1])
    case 5:
      members[name] = _npy(np.array([b"x", None, 3], object))
    case 6:
      members[name] = _npy(
        array.astype(rng.choice(["S4", "U4", "c8", "M8[s]"]))
      )
    case 7:
      shapes = {x: np.load(io.BytesIO(members[x])).shape for x in names}
      others = [x for x in names if shapes[x] != shapes[name]]
      other = str(rng.choice(others))
      members[name], members[other] = members[other], members[name]
    case 8:
      members[name.replace(".npy", "") + "x.npy"] = members.pop(name)
    case 9:
      members[name] = bytes(rng.bytes(len(members[name])))
  return _packed(members)


def bomb_npz(rng, content):
  """Makes a member that would become gigabytes."""
  members = _members(content)
  name = str(rng.choice(_weights(members)))
  match rng.integers(3):
    case 0:
      members[name] = _npy(np.zeros(2**23, np.float32))
    case 1:  # A header that says more than there is.
      head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }"
      head = head % 2 ** int(rng.integers(30, 62))
      head = head.ljust(117) + b"\n"
      members[name] = (
        b"\x93NUMPY\x01\0" + struct.pack("<H", len(head)) + head + bytes(64)
      )
    case 2:
      data = bytearray(_packed(members))
      # The size of the first member, in the directory.
      place = data.index(b"PK\x01\x02") + 24
      data[place : place + 4] = struct.pack(
        "<I", int(rng.integers(2**31, 2**32))
      )
      return bytes(data)
  return _packed(members)


def _text_of(members, name):
  return str(np.load(io.BytesIO(members[name])))


def _changed_field(rng, fields):
  """Changes a field with which the weights do not go."""
  section, name, values = [
    ("generator", "width", [0, -1, 2**20, 3, "4", None, 1e9, True]),
    ("generator", "blocks", [0, -1, 2**31, 9, "2", [1]]),
    ("discriminator", "layers", [0, -1, 2**31, 3, 1.5]),
    ("data", "attributes", [[], ["a"], "abc", [1, 2], None, {}]),
    ("data", "image_size", [0, -4, 17, 2**30, "16"]),
    ("generator", "output", ["blend", "none", 3]),
  ][int(rng.integers(6))]
  value = values[int(rng.integers(len(values)))]
  fields[section][name] = value
  return fields


def edit_config(rng, content):
  """Changes the config in a run's file."""
  members = _members(content)
  text = _text_of(members, "config.npy")
  choice = int(rng.integers(4))
  if choice == 0:
    text = ["[]", "3", "", "{}", "null", '{"data": 3}', "[" * 9999][
      int(rng.integers(7))
    ]
  elif choice == 1:
    members["step.npy"] = _npy(
      [np.array(-1), np.array(1.5), np.zeros(3, int), np.array("x")][
        int(rng.integers(4))
      ]
    )
  elif choice == 2:
    place = int(rng.integers(len(text)))
    text = text[:place]
  else:
    text = json.dumps(_changed_field(rng, json.loads(text)))
  members["config.npy"] = _npy(np.array(text))
  return _packed(members)


def edit_metadata(rng, content):
  """Changes the metadata of an exported generator."""
  members = _members(content)
  about = json.loads(_text_of(members, "metadata.npy"))
  name, values = [
    ("format", [0, 9, "1", None, 1.5]),
    ("system", ["other", 3, None]),
    ("architecture", [{}, None, {"width": -4, "blocks": 1}, 3]),
    ("image_size", [0, -16, 2**40, "16", None, 17, 1.5]),
    ("crop", [-1, "x", None, 1.5, []]),
    ("attributes", [[], ["a"], None, 3, [1, 2, 3], ["a", "a"]]),
    ("value_range", [[0, 1], [0, 255], None, 3]),
    ("label_rule", ["other", None, 3]),
    ("exclusive", [3, [["nobody"]], None, [[3]], ["x"]]),
  ][int(rng.integers(9))]
  value = values[int(rng.integers(len(values)))]
  # The first files do not have these two.
  if rng.random() < 0.15 and name not in ("system", "crop"):
    about.pop(name, None)
  else:
    about[name] = value
  text = np.array(json.dumps(about))
  if rng.random() < 0.1:
    text = np.array(["[]", "3", "", "nul", "[" * 9999][int(rng.integers(5))])
  members["metadata.npy"] = _npy(text)
  return _packed(members)


class Canary:
  """Its pickle would make a file."""

  def __init__(self, path):
    self.path = path

  def __reduce__(self):
    return open, (self.path, "w")


def evil_pickle(rng, path):
  """Returns a pickle that makes the file `path` where it is run."""
  protocol = int(rng.integers(0, 6))
  payload = pickle.dumps(
    {"conv1.weight": Canary(path)} if rng.random() < 0.5 else Canary(path),
    protocol,
  )
  match rng.integers(4):
    case 0:
      return payload
    case 1:
      command = f"touch {path}".encode()
      return b"cposix\nsystem\n(V" + command + b"\ntR."
    case 2:
      command = f"touch {path}".encode()
      return b"(V" + command + b"\niposix\nsystem\n."
    case _:
      command = f"touch {path}".encode()
      return b"(cposix\nsystem\nV" + command + b"\no."


def odd_program(rng, program):
  """Changes a number, or an instruction, of a state dict's pickle."""
  data = bytearray(program)
  places = [
    (place, opcode.name)
    for opcode, _, place in pickletools.genops(bytes(program))
  ]
  place, name = places[int(rng.integers(len(places)))]
  if name == "BININT" and rng.random() < 0.8:
    value = int(rng.choice([-1, 2**31 - 1, -(2**31)]))
    data[place + 1 : place + 5] = struct.pack("<i", value)
  else:
    data[place] = int(rng.integers(256))
  return bytes(data)


def legacy(program, arrays):
  """Returns a file as PyTorch before 1.6 writes it."""
  about = {"protocol_version": VERSION, "little_endian": True, "type_sizes": {}}
  keys = [str(i) for i in range(len(arrays))]
  start = [pickle.dumps(x, 2) for x in (MAGIC, VERSION, about)]
  data = [struct.pack("<q", x.size) + x.tobytes() for x in arrays.values()]
  return b"".join([*start, program, pickle.dumps(keys, 2), *data])


def safetensors(arrays):
  """Returns a .safetensors of float32 arrays."""
  header, place = {}, 0
  for name, value in arrays.items():
    header[name] = {
      "dtype": "F32",
      "shape": list(value.shape),
      "data_offsets": [place, place + value.nbytes],
    }
    place += value.nbytes
  text = json.dumps(header).encode()
  start = len(text).to_bytes(8, "little") + text
  return start + b"".join(x.tobytes() for x in arrays.values())


def edit_safetensors(rng, content):
  """Changes the header of a .safetensors."""
  size = int.from_bytes(content[:8], "little")
  header = json.loads(content[8 : 8 + size])
  name = str(rng.choice(list(header)))
  entry = header[name]
  match rng.integers(7):
    case 0:
      entry["data_offsets"] = [int(x) for x in rng.integers(-99, 9999, 2)]
    case 1:
      entry["shape"] = [int(x) for x in rng.integers(-9, 2**31, 3)]
    case 2:
      entry["dtype"] = str(rng.choice(["F64", "I32", "X9", "BOOL", "F16"]))
    case 3:
      header[name + "x"] = header.pop(name)
    case 4:
      header[name] = [None, 3, [], {}][int(rng.integers(4))]
    case 5:
      del header[name]
    case 6:
      entry["shape"] = [2**31, 2**31, 2**31]
      entry["data_offsets"] = [0, 2**62]
  text = json.dumps(header).encode()
  if rng.random() < 0.1:
    text = b"[" * 9999
  length = len(text) if rng.random() < 0.9 else int(rng.integers(2**62))
  return length.to_bytes(8, "little") + text + content[8 + size :]


def spoil_numbers(rng, content):
  """Makes a weight of the last bytes not a number."""
  data = bytearray(content)
  place = len(data) - 4 * int(rng.integers(1, 200))
  data[place : place + 4] = np.float32(rng.choice([np.nan, np.inf])).tobytes()
  return bytes(data)
