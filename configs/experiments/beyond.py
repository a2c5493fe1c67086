"""What the papers do not try: other maps, other things to teach."""

from typing import Any

from akd_jax.configs.experiments.variants import (
  WITH,
  WITHOUT,
  Experiment,
  experiment,
  half_width,
  small_half_width,
  taught_by_attention,
)
from akd_jax.configs.scales import Deltas, at_scale

_LARGER: Deltas = {
  "avatars": {
    "teacher_recipe.steps": 4_000,
    "teacher_recipe.optimizer.schedule": "constant",
  }
}
_BETTER_TEACHER: Deltas = {"avatars": {"teacher_recipe.steps": 6_000}}


def method(scale: str) -> Experiment:
  """Compares the papers' maps, Grad-CAM, with HiResCAM.

  Two maps of HiResCAM are further apart, so the papers' weight of L_akd counts
  for more.
  """
  hires_cam: dict[str, Any] = {"attention.method": "hires_cam"}
  variants = {
    "without": WITHOUT,
    "with": WITH,
    "hires_cam": hires_cam,
    "hires_cam, weight 1": hires_cam | {"distill.akd.weight": 1.0},
  }
  return experiment("Map (attention.method)", small_half_width(scale), variants)


def output(scale: str) -> Experiment:
  """Compares what is taught: the teacher's attention, its pictures, and both.

  The last variant has one update of the discriminator for each step, and spends
  the time that this saves on more steps.
  """
  pictures: dict[str, Any] = {"distill.output.weight": 10.0}
  base = small_half_width(scale)
  variants = {
    "without": WITHOUT,
    "L_akd": WITH,
    "L_out": WITHOUT | pictures,
    "both": pictures,
    "both, n_critic 1": pictures
    | {"n_critic": 1, "steps": round(base.steps * 1.375)},
  }
  return experiment(
    "What is taught: attention (L_akd), pictures (L_out)",
    base,
    variants,
  )


def larger(scale: str) -> Experiment:
  """Repeats Table 1 on avatars of 64 pixels."""
  base = at_scale(taught_by_attention(scale), scale, _LARGER)
  variants = {"without": WITHOUT, "with": WITH}
  return experiment("Table 1's students on 64 pixels", base, variants)


def better_teacher(scale: str) -> Experiment:
  """Repeats Table 1, and pictures, with a better teacher.

  On avatars its step size falls to 0.
  """
  base = at_scale(taught_by_attention(scale), scale, _BETTER_TEACHER)
  variants = {
    "without": WITHOUT,
    "L_akd": WITH,
    "L_out": WITHOUT | {"distill.output.weight": base.loss.lambda_rec},
  }
  return experiment("What a better teacher has to teach", base, variants)


def longer(scale: str) -> Experiment:
  """Repeats Table 1 with students that are trained twice as long.

  Three seeds of a teacher and two students take over two hours on 2 cores.
  """
  base = half_width(scale)
  base.steps *= 2
  variants = {"without": WITHOUT, "with": WITH}
  return experiment("Table 1's students, trained twice as long", base, variants)


EXPERIMENTS = {
  "method": method,
  "output": output,
  "larger": larger,
  "better_teacher": better_teacher,
  "longer": longer,
}
