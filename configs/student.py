"""Student, distilled from a teacher by attention (the half-width Lite-S).

python -m akd_jax.main --config=configs/student.py[:avatars|celeba|rafd|debug]

ARG      hardware        time       result (python -m akd_jax.evaluate)
avatars  2 CPU cores     14 min     mean accuracy 92.9 % (docs/results.md)
celeba   not run here               paper 1, Table 1: 59.5 %
rafd     not run here               paper 1, Table 4: 91.8 % (quarter width)
debug    2 CPU cores     seconds    nothing: every part runs
"""

from ml_collections import ConfigDict

from akd_jax.configs import teacher
from akd_jax.configs.scales import Deltas, at_scale

_AT_SCALE: Deltas = {
  "avatars": {
    # Shipped with the package; docs/results.md says how it was trained.
    "teacher": "pretrained:avatars",
    # It learns from the teacher's pictures, too, and with half the updates of
    # the discriminator: this is clearer in the same time (docs/results.md).
    "distill.output.weight": 10.0,
    "n_critic": 1,
    "steps": 4_200,
  },
  "debug": {"generator.blocks": 1},
}


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the teacher's recipe with a smaller generator and L_akd."""
  config = teacher.get_config(scale)
  # Half of the teacher's channels,
  config.generator.width //= 2
  # and half of its blocks.
  config.generator.blocks = 3
  # As heavy as the reconstruction, as in the papers.
  config.distill.akd.weight = config.loss.lambda_rec
  # Where the student's generator starts: "scratch"; "sliced", as the largest
  # channels of the teacher's last blocks; or "teacher", as a copy, which needs
  # the teacher's architecture.
  config.init = "scratch"
  # A teacher is trained first, where none is finished.
  config.teacher = "runs/teacher"
  # The recipe of that teacher. Its data and its attribute classifier are the
  # student's.
  config.teacher_recipe = teacher.get_config(scale)
  del config.teacher_recipe.data, config.teacher_recipe.classifier
  config.pseudo = ConfigDict()
  # Whether the teacher knows other attributes than the student (see
  # configs/pseudo.py). "off": no; "paper1": both maps explain logits of the
  # teacher's attributes; "paper2": the student's map explains its own.
  config.pseudo.reading = "off"
  # {attribute of the student: attribute of the teacher that stands for it}.
  config.pseudo.mapping = ConfigDict()
  return at_scale(config, scale, _AT_SCALE)
