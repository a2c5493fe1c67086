"""What accelerator.py measures, what matters most first."""

from typing import NamedTuple

from compare import LARGE_STUDENT, LARGE_TEACHER


class Scale(NamedTuple):
  """How large everything is.

  Attributes:
    teacher: its generator's width and blocks.
    student: likewise.
    discriminator: d_width, classes and n_critic.
    layers: of the discriminator, {side of a picture: layers}.
    batches: (side, batch) of cycles, in their order.
    groups: networks, as `_works` names them, a stage each.
    pictures: batches of translations.
    translators: whose translations are timed.
    product: (side of the matrices, products a turn) of the device's rate.
    turn_s: seconds that a turn should take.
    rounds: turns of each side.
    dtypes: of the computation.
    precisions: of the products that are compared with the reference.
  """

  teacher: dict
  student: dict
  discriminator: dict
  layers: dict
  batches: tuple
  groups: tuple
  pictures: tuple
  translators: tuple
  product: tuple
  turn_s: float
  rounds: int
  dtypes: tuple
  precisions: tuple


PAPERS = Scale(
  teacher=LARGE_TEACHER,
  student=LARGE_STUDENT,
  discriminator={"d_width": 64, "classes": 7, "n_critic": 5},
  layers={64: 5, 128: 6},
  batches=((64, 16), (128, 16), (64, 64), (128, 64)),
  groups=(("teacher", "student, distilled"), ("student, not distilled",)),
  pictures=(64, 1, 512),
  translators=("teacher", "student"),
  product=(8192, 5),
  turn_s=0.2,
  rounds=7,
  dtypes=("float32", "bfloat16"),
  precisions=("highest", "default"),
)
# Every part in seconds on a CPU, none of its figures worth anything.
SMALL = Scale(
  teacher={"width": 4, "blocks": 1},
  student={"width": 2, "blocks": 1},
  discriminator={"d_width": 2, "classes": 2, "n_critic": 1},
  layers={16: 2},
  batches=((16, 2),),
  groups=(("student, distilled",),),
  pictures=(2,),
  translators=("student",),
  product=(64, 2),
  turn_s=0.01,
  rounds=3,
  dtypes=("bfloat16",),
  precisions=("highest",),
)
FILES = ("stargan_multilabel", "cycle_student", "cycle_teacher",
         "stargan_softmax")  # fmt: skip
# The convolutions of tests/models/test_layers.py that have two forms.
FORMS = ("down", "down_from_4", "up", "up_from_1", "wide", "wide_to_fewer",
         "planes")  # fmt: skip


def right(scale):
  """Yields (title, what right.py is asked, with what); of SMALL, the first."""
  few = 1 if scale is SMALL else None
  for precision in scale.precisions:
    for name in FILES[:few]:
      asked = {"name": name, "precision": precision}
      yield f"{name}, {precision} precision", "golden", asked
  for name in FORMS[:few]:
    yield f"forms of {name}", "form", {"name": name}


def _works(scale):
  taught = {f"t_{name}": x for name, x in scale.teacher.items()}
  return {
    "teacher": scale.teacher | {"work": "plain"},
    "student, distilled": scale.student | taught | {"work": "distilled"},
    "student, not distilled": scale.student | {"work": "plain"},
  }


def cycles(scale):
  """Yields stages of cycles of training, {title: case} each."""
  for size, batch in scale.batches:
    for group in scale.groups:
      yield {
        f"{name}, {size} px, batch {batch}, {dtype}": _works(scale)[name]
        | _base(scale, size, batch, dtype)
        for dtype in scale.dtypes
        for name in group
      }


def translations(scale):
  """Yields (title, case) of batches of pictures of the least side.

  "translate" goes from bytes in the host's memory to bytes, on both sides;
  "forward" is the network alone.
  """
  size = min(scale.layers)
  for dtype in scale.dtypes:
    for name in scale.translators:
      for work in ("translate", "forward"):
        for batch in scale.pictures:
          yield (
            f"{name}, {size} px, batch {batch}, {dtype}, {work}",
            getattr(scale, name)
            | _base(scale, size, batch, dtype)
            | {"work": work, "bytes": work == "translate"},
          )


def _base(scale, size, batch, dtype):
  return scale.discriminator | {
    "size": size,
    "d_layers": scale.layers[size],
    "batch": batch,
    "dtype": dtype,
  }
