"""What the papers do not try: other maps, other things to teach."""

from typing import Any

from akd_jax.configs.experiments.arms import (
  WITH,
  WITHOUT,
  Experiment,
  experiment,
  half_width,
  small_half_width,
  taught_by_attention,
)


def method(scale: str) -> Experiment:
  """What a map is made of: the papers' Grad-CAM, or HiResCAM.

  HiResCAM's maps are further apart, and the papers' weight of L_akd a lot.
  """
  hires_cam: dict[str, Any] = {"attention.method": "hires_cam"}
  arms = {
    "without": WITHOUT,
    "with": WITH,
    "hires_cam": hires_cam,
    "hires_cam, weight 1": hires_cam | {"distill.akd.weight": 1.0},
  }
  return experiment("Map (attention.method)", small_half_width(scale), arms)


def output(scale: str) -> Experiment:
  """The teacher's pictures instead of its attention, and both.

  The last arm has one discriminator update a step, on avatars half as many, and
  as many more steps as that saves time.
  """
  pictures: dict[str, Any] = {"distill.output.weight": 10.0}
  base = small_half_width(scale)
  arms = {
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
    arms,
  )


def larger(scale: str) -> Experiment:
  """Table 1's students on 64 pixels."""
  base = taught_by_attention(scale)
  if scale == "avatars":
    base.teacher_recipe.steps = 4_000
    base.teacher_recipe.optimizer.schedule = "constant"
  arms = {"without": WITHOUT, "with": WITH}
  return experiment("Table 1's students on 64 pixels", base, arms)


def better_teacher(scale: str) -> Experiment:
  """Table 1's students, and pictures, by teachers of a falling step size."""
  base = taught_by_attention(scale)
  if scale == "avatars":
    base.teacher_recipe.steps = 6_000
  arms = {
    "without": WITHOUT,
    "L_akd": WITH,
    "L_out": WITHOUT | {"distill.output.weight": base.loss.lambda_rec},
  }
  return experiment("What a better teacher has to teach", base, arms)


def longer(scale: str) -> Experiment:
  """Table 1's students, trained twice as long.

  Three seeds of a teacher and two students take over two hours on 2 cores.
  """
  base = half_width(scale)
  base.steps *= 2
  arms = {"without": WITHOUT, "with": WITH}
  return experiment("Table 1's students, trained twice as long", base, arms)


EXPERIMENTS = {
  "method": method,
  "output": output,
  "larger": larger,
  "better_teacher": better_teacher,
  "longer": longer,
}
