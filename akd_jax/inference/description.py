"""What one must know of a trained generator to run it."""

from typing import TYPE_CHECKING, Any

from akd_jax.interop import numpy_generator, numpy_program

if TYPE_CHECKING:
  from akd_jax.systems.system import System
  from akd_jax.training.run import Run


def describe(run: "Run", with_program: bool | None = None) -> dict[str, Any]:
  """Returns what one must know to run the generator, ready for JSON.

  Args:
    run: whose.
    with_program: whether it is for a file that says step by step what to do;
      by default for one that does so where it must.
  """
  from akd_jax.data import is_drawn  # Not before: they take JAX along.
  from akd_jax.systems import system_of

  groups = (
    [name for name in group if name in run.attributes]
    for group in run.exclusive
  )
  generator, system = run.config.generator.to_dict(), system_of(run.config)
  # What is written has transposed convolutions, whatever was trained.
  generator.pop("upsample", None)
  about: dict[str, Any] = {"format": numpy_program.FORMAT, **_label_of(system)}
  if with_program is None:
    with_program = not is_first_format(run)
  if not with_program:
    # Of what the first files hold, nothing is to change.
    about = {"format": numpy_generator.FORMATS[generator["output"]]}
    del generator["label_sets"]
    if generator["output"] == "image":
      del generator["output"]
  return about | {
    "system": run.config.system,
    "architecture": {"name": system.network, **generator},
    "image_size": run.config.data.image_size,
    # What is drawn is square.
    "crop": 0 if is_drawn(run.config.data) else run.config.data.crop,
    "attributes": list(run.attributes),
    "label_rule": run.config.data.label_rule,
    "exclusive": [group for group in groups if len(group) > 1],
    "value_range": [-1, 1],
    "step": run.step,
  }


def is_first_format(run: "Run") -> bool:
  """Whether `numpy_generator` runs its generator, without a program."""
  generator = run.config.generator
  is_stargan = run.config.system == numpy_generator.SYSTEM
  return is_stargan and generator.label_sets == 1


def _label_of(system: "System") -> dict[str, Any]:
  """How a generator's label is made: its coefficients, found by asking.

  `System.generator_label` is affine in the target and the picture's own label.
  """

  def ask(target: Any, label: Any) -> float:
    return float(system.generator_label(target, label))

  constant = ask(0, 0)
  return {
    "given": [ask(1, 0) - constant, ask(0, 1) - constant, constant],
    "test_strength": system.test_strength,
  }
