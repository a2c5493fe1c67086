"""Student of other attributes than its teacher's: pseudo-attention.

  python -m akd_jax.main --config=configs/pseudo.py[:avatars|celeba|rafd|debug]

  ARG      hardware        time       result (python -m akd_jax.evaluate)
  avatars  2 CPU cores     not run here
  celeba   not run here               paper 2, Table VII: FID 14.3
  rafd     not run here
  debug    2 CPU cores     seconds    nothing: every part runs

Paper 1's reading takes both maps from logits of the teacher's discriminator:
  --config.pseudo.reading=paper1 --config.attention.discriminator=teacher
"""

from ml_collections import ConfigDict

from akd_jax.configs import student

# Paper 1, section 4.2.
PAPER1 = {
  "Brown_Hair": "Black_Hair",
  "Gray_Hair": "Blond_Hair",
  "Bald": "Wearing_Hat",
  "Straight_Hair": "Wavy_Hair",
}
# Paper 2, Table VII.
PAPER2 = {
  "Black_Hair": "Brown_Hair",
  "High_Cheekbones": "Rosy_Cheeks",
  "Big_Nose": "Pointy_Nose",
  "Bushy_Eyebrows": "Arched_Eyebrows",
  "Wearing_Lipstick": "Big_Lips",
  "Pointy_Nose": "Big_Nose",
}
# The papers try no expressions; these share the parts of the face they move.
EXPRESSIONS = {
  "disgusted": "angry",
  "fearful": "surprised",
  "happy": "contemptuous",
  "sad": "neutral",
}


def get_config(scale: str = "avatars") -> ConfigDict:
  """Returns the student's recipe, for attributes that its teacher lacks."""
  config = student.get_config(scale)
  mappings = {"celeba": PAPER2, "rafd": EXPRESSIONS}
  mapping = mappings.get(scale, PAPER1)
  config.data.attributes = tuple(mapping)
  config.pseudo.mapping = ConfigDict(mapping)
  # Its attributes are others, baldness and hats among them.
  config.data.distribution = ConfigDict()
  config.data.conditional = ConfigDict()
  # Paper 2 eq. 9: T's map from c_pse, S's from c, each from its own
  # discriminator, since the teacher's has no logit for c.
  config.pseudo.reading = "paper2"
  config.attention.discriminator = "own"
  # Its teacher can not draw what it draws, and the recipe that relies on
  # pictures is not for it.
  config.distill.output.weight = 0.0
  config.n_critic = config.teacher_recipe.n_critic
  if scale == "avatars":
    config.steps = 3_200
  config.teacher = "runs/pseudo_teacher"
  if scale == "celeba":
    # Table VII is of the same-size student.
    config.generator = ConfigDict(config.teacher_recipe.generator.to_dict())
  return config
