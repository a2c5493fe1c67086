"""Student, distilled from a teacher by attention (the half-width Lite-S).

python -m akd_jax.main --config=configs/student.py[:avatars|celeba|rafd|debug]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  2 CPU cores     14 min     mean accuracy 92.4 % (docs/results.md)
celeba   not run here               paper 1, Table 1: 59.5 %
rafd     not run here               paper 1, Table 4: 91.8 % (quarter width)
debug    2 CPU cores     seconds    nothing: every part runs
"""

from ml_collections import ConfigDict

from akd_jax.configs import teacher


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the teacher's recipe with a smaller generator and L_akd."""
  config = teacher.get_config(scale)
  config.generator.width //= 2
  config.generator.blocks = 3 if scale != "debug" else 1
  # As heavy as the reconstruction, as in the papers.
  config.distill.akd.weight = config.loss.lambda_rec
  # "scratch", or "teacher": start from its weights (same architecture only).
  config.init = "scratch"
  # A run's directory, or a file exported with --format=run. A directory
  # without a finished teacher gets one, by this recipe, on the student's data.
  config.teacher = "runs/teacher"
  if scale == "avatars":
    # Shipped; how it was trained stands in docs/results.md.
    config.teacher = "pretrained:avatars"
    # Its pictures as well as its attention, and half the discriminator's
    # updates: clearer in the same time (docs/results.md).
    config.distill.output.weight = 10.0
    config.n_critic = 1
    config.steps = 4_200
  # The recipe of a teacher that is not there yet.
  config.teacher_recipe = teacher.get_config(scale)
  # The teacher sees the student's data and has the student's judge.
  del config.teacher_recipe.data, config.teacher_recipe.classifier
  config.pseudo = ConfigDict()
  # "off"; "paper1": both maps from the logits of the teacher's attributes;
  # "paper2": the student's from its own (configs/pseudo.py).
  config.pseudo.reading = "off"
  # {attribute of the student: attribute of the teacher}.
  config.pseudo.mapping = ConfigDict()
  return config
