"""The recipes: every one builds, and the papers' is the papers'."""

import ast
import importlib
import inspect
import json
import pathlib
import re

import pytest
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from akd_jax.common.errors import UserError
from akd_jax.configs import (
  acgan,
  attgan,
  both,
  data,
  distill,
  measures,
  pseudo,
  relgan,
  stargan2,
  stgan,
  student,
  teacher,
)
from akd_jax.configs.experiments import EXPERIMENTS
from akd_jax.configs.scales import SCALES, changed
from akd_jax.data import attributes
from akd_jax.distillation.terms import distils
from akd_jax.systems import system_of
from akd_jax.training import run_dir as runs
from akd_jax.training import same_run, starts, validation
from akd_jax.training import teacher as teaching
from tests.experiments_of import LACKING, experiments_of
from tests.layouts import error

FOLDER = pathlib.Path(teacher.__file__).parent


def get_config(recipe, *scale):
  module = importlib.import_module(f"akd_jax.configs.{recipe}")
  return module.get_config(*scale)


def is_recipe(path):
  module = importlib.import_module(f"akd_jax.configs.{path.stem}")
  # The attribute classifier's has no networks that translate.
  return hasattr(module, "get_config") and path.stem != "classifier"


RECIPES = sorted(path.stem for path in FOLDER.glob("*.py") if is_recipe(path))


def flattened(config):
  return flatten_dict(config.to_dict(), sep=".")


@pytest.fixture(params=[(r, s) for r in RECIPES for s in SCALES], ids=":".join)
def config(request):
  return get_config(*request.param)


def test_the_recipes_are_found():
  assert {"teacher", "student", "pseudo"} <= set(RECIPES)


def test_the_documented_scales_are_there():
  assert list(SCALES) == ["avatars", "photos", "celeba", "rafd", "debug"]


@pytest.mark.parametrize("scale", SCALES)
def test_the_attribute_classifier_is_that_of_the_other_recipes(scale):
  recipe, classifier = (get_config(r, scale) for r in ("teacher", "classifier"))
  assert classifier.data == recipe.data
  assert classifier.classifier == recipe.classifier
  assert set(classifier) == {"data", "classifier"}


@pytest.mark.parametrize(
  "module",
  [
    teacher,
    measures,
    acgan,
    attgan,
    stgan,
    relgan,
    stargan2,
    student,
    distill,
  ],  # fmt: skip
)
def test_every_field_of_a_recipe_is_explained(module):
  """Each assignment stands right below a comment, but for whole sections."""
  lines = inspect.getsource(module).splitlines()
  assigned = [
    node.lineno
    for node in ast.walk(ast.parse("\n".join(lines)))
    if isinstance(node, ast.Assign)
    and isinstance(node.targets[0], ast.Attribute)
    and not ast.unparse(node.value).endswith(
      ("Section()", "fields()", "ConfigDict()")
    )
    and not ast.unparse(node.value).startswith(("_", "measures."))
  ]
  assert len(assigned) > 3
  bare = [
    lines[number - 1]
    for number in assigned
    if not lines[number - 2].strip().startswith("#")
  ]
  assert bare == []


def test_a_delta_has_no_field_that_a_recipe_lacks():
  config = teacher.get_config("debug")
  with pytest.raises(KeyError):
    changed(config, {"loss.lambda_adk": 1.0})
  assert changed(config, {"steps": 9}).steps == 9
  assert config.steps == 4


def test_a_recipe_shares_nothing_with_the_next():
  first, second = (teacher.get_config("avatars") for _ in range(2))
  first.data.distribution.Smiling = 0.0
  assert second.data.distribution.Smiling == 0.5
  assert data.AVATAR_SHARES["Smiling"] == 0.5


def test_recipes_and_data_sets_have_the_same_expressions():
  assert data.EXPRESSIONS == attributes.EXPRESSIONS


def test_every_recipe_builds_at_every_scale(config):
  networks = system_of(config).create_networks(config)
  assert networks.discriminator.classes == len(config.data.attributes)
  assert config.steps > 0


def test_every_recipe_locks(config):
  config.lock()
  with pytest.raises(AttributeError, match="stpes"):
    config.stpes = 3
  with pytest.raises(AttributeError, match="lambda_adk"):
    config.loss.lambda_adk = 3.0
  with pytest.raises(TypeError):
    config.steps = 1.5


@pytest.mark.parametrize("recipe", RECIPES)
def test_avatars_are_the_default(recipe):
  assert get_config(recipe) == get_config(recipe, "avatars")


@pytest.mark.parametrize("recipe", RECIPES)
def test_an_unknown_scale_is_refused_with_the_list(recipe):
  with pytest.raises(ValueError) as caught:
    get_config(recipe, "celebs")
  for scale in (*SCALES, "celebs"):
    assert scale in str(caught.value)
  assert "\n" not in str(caught.value)


def test_every_config_survives_json(config, tmp_path):
  runs.write_config(config, str(tmp_path))
  read = runs.read_config(str(tmp_path))
  assert read.to_json_best_effort() == config.to_json_best_effort()
  create_networks = system_of(config).create_networks
  assert create_networks(read) == create_networks(config)
  # The same recipe goes on with that run, and another is refused.
  same_run.check_same_run(config, str(tmp_path))
  config.seed += 1
  with pytest.raises(ValueError, match=" seed=0, not 1"):
    same_run.check_same_run(config, str(tmp_path))


def test_every_field_of_a_config_is_plain_json(config):
  def check(value):
    if isinstance(value, dict):
      for entry in value.values():
        check(entry)
    elif isinstance(value, list):
      assert all(isinstance(entry, str) for entry in value)
    else:
      assert isinstance(value, str | int | float | bool)

  check(json.loads(config.to_json()))


@pytest.fixture
def papers():
  return student.get_config("celeba")


def test_student_celeba_has_the_papers_networks(papers):
  recipe = papers.teacher_recipe
  for generator, width, blocks in (
    (papers.generator, 32, 3),
    (recipe.generator, 64, 6),
  ):
    sizes = {"width": width, "blocks": blocks, "output": "image"}
    sizes |= {"upsample": "transposed", "label_sets": 1}
    assert generator.to_dict() == sizes
  for config in (papers, recipe):
    assert config.discriminator.to_dict() == {"width": 64, "layers": 6}
    assert config.dtype == "float32"


def test_student_celeba_has_the_papers_data(papers):
  assert papers.data.name == "celeba"
  assert papers.data.image_size == 128
  assert papers.data.crop == 178
  assert papers.data.label_rule == "multilabel"
  assert sorted(papers.data.attributes) == [
    "Blond_Hair",
    "Eyeglasses",
    "Goatee",
    "Heavy_Makeup",
    "Mustache",
    "Pale_Skin",
    "Rosy_Cheeks",
  ]
  # The teacher is trained on the student's data, whatever that is.
  assert "data" not in papers.teacher_recipe


def test_student_celeba_has_the_papers_schedule(papers):
  for config in (papers, papers.teacher_recipe):
    assert config.batch_size == 16
    assert config.n_critic == 5
    assert config.steps == 40_000
    assert config.steps * config.n_critic == 200_000
    optimizer = config.optimizer
    assert optimizer.learning_rate == 1e-4
    assert (optimizer.beta1, optimizer.beta2) == (0.5, 0.999)
    assert optimizer.schedule == "linear"
    assert optimizer.ema == 0


def test_student_celeba_has_the_papers_losses(papers):
  weights = {
    "lambda_cls": 1.0, "lambda_rec": 10.0, "lambda_gp": 10.0,
    # Of blends, which the papers do not have.
    "lambda_mask": 0.1,
  }  # fmt: skip
  weights |= {"cls_radius": 0.0}
  assert papers.loss.to_dict() == weights
  assert papers.distill.akd.weight == 10.0
  assert papers.distill.output.weight == 0.0
  # The teacher of the papers has no teacher.
  assert papers.teacher_recipe.loss.to_dict() == weights
  assert papers.teacher_recipe.distill.akd.weight == 0.0
  assert papers.teacher_recipe.distill.output.weight == 0.0
  assert papers.teacher_recipe.teacher == ""


@pytest.mark.parametrize(
  "weight", ["loss.lambda_cls", "loss.lambda_rec", "distill.akd.weight"]
)
def test_avatars_weigh_all_terms_but_the_adversarial_at_three_tenths(
  papers, weight
):
  ours, theirs = (
    flattened(config)[weight]
    for config in (student.by_attention("avatars"), papers)
  )
  assert ours == pytest.approx(0.3 * theirs)


def test_tables_of_small_avatars_have_the_papers_loss(papers):
  table = EXPERIMENTS["method"]("avatars").variants["with"]
  assert table.loss == papers.loss
  assert table.distill == papers.distill
  assert table.teacher_recipe.loss == papers.teacher_recipe.loss
  assert table.teacher_recipe.distill == papers.teacher_recipe.distill


@pytest.mark.parametrize(
  ("name", "cls_radius"),
  [
    ("paper1_table1", 0.0),
    ("paper1_table2", 0.0),
    ("paper1_table3", 2.0),
    ("block", 0.0),
    ("larger", 0.0),
  ],
)
def test_tables_of_avatars_have_the_papers_terms_in_proportion(
  papers, name, cls_radius
):
  table = list(EXPERIMENTS[name]("avatars").variants.values())[-1]
  for ours, theirs in (
    (table, papers),
    (table.teacher_recipe, papers.teacher_recipe),
  ):
    scaled = {
      name: value if name in ("lambda_gp", "lambda_mask") else 0.3 * value
      for name, value in theirs.loss.items()
    } | {"cls_radius": cls_radius}
    assert ours.loss.to_dict() == pytest.approx(scaled)
    weight = 0.3 * theirs.distill.akd.weight
    assert ours.distill.akd.weight == pytest.approx(weight)


def test_student_celeba_takes_the_papers_attention(papers):
  attention = papers.attention
  assert attention.block == "last"
  assert attention.hook == "block"
  assert attention.method == "grad_cam"
  assert attention.discriminator == "teacher"
  assert attention.norm == "l1_mean"
  assert attention.second_order
  assert papers.pseudo.reading == "off"


def test_rafd_has_eight_exclusive_expressions():
  config = student.get_config("rafd")
  assert config.data.label_rule == "exclusive"
  assert config.data.attributes == data.EXPRESSIONS
  assert (config.data.crop, config.data.image_size) == (256, 128)
  assert not config.classifier.also


def test_pseudo_attention_maps_every_attribute():
  for scale in SCALES:
    config = pseudo.get_config(scale)
    assert set(config.data.attributes) == set(config.pseudo.mapping)
    # Paper 2, equation 9.
    assert config.pseudo.reading == "paper2"
    assert config.attention.discriminator == "own"


def test_the_student_of_table_7_is_as_large_as_its_teacher():
  config = pseudo.get_config("celeba")
  assert config.generator == config.teacher_recipe.generator


def test_a_student_differs_from_its_teacher_where_it_says_so(papers):
  recipe = ConfigDict(papers.teacher_recipe.to_dict())
  differing = {
    field
    for field, value in recipe.items()
    if json.dumps(value, default=str) != json.dumps(papers[field], default=str)
  }
  assert differing == {"generator", "distill", "teacher"}


@pytest.mark.parametrize("scale", student.LENGTHS)
@pytest.mark.parametrize("name", ["acgan", "attgan", "relgan", "stgan"])
def test_a_half_learns_by_what_pays_at_its_scale(name, scale):
  recipe = importlib.import_module(f"akd_jax.configs.{name}_student")
  config = recipe.get_config(scale)
  usual = student.get_config(scale)
  for field in ("adversary", "adversary_every", "init", "steps"):
    assert config[field] == usual[field]
  for method, options in usual.distill.items():
    # A RelGAN's discriminator has no class logits.
    if (name, method) != ("relgan", "class_score"):
      assert config.distill[method] == options


@pytest.mark.parametrize(
  ("field", "value", "said"),
  [
    ("evaluation.protocol", "flip", "config.evaluation.protocol='flip' needs"),
    ("data.curriculum", 0.5, "config.data.curriculum=0.5 needs"),
  ],
)
def test_exclusive_classes_are_not_cleared_and_show_no_bias(field, value, said):
  config = changed(teacher.get_config("rafd"), {field: value})
  with pytest.raises(UserError, match=said):
    validation.check(config)


@pytest.mark.parametrize(
  ("recipe", "fields", "said"),
  [
    (student, {"adversary_every": 9}, "adversary_every=9 must be at most"),
    (relgan, {"optimizer.ema": 0.9}, "optimizer.ema=0.9 must be 0"),
    (attgan, {"optimizer.ema": 0.9}, "optimizer.ema=0.9 must be 0"),
  ],
)
def test_what_would_do_nothing_is_refused_of_new_runs(recipe, fields, said):
  config = changed(recipe.get_config("debug"), fields)
  validation.check(config)  # Earlier versions have begun such runs.
  with pytest.raises(UserError, match=re.escape(said)):
    validation.check_new(config)


@pytest.mark.parametrize(
  ("name", "fields", "said"),
  [
    ("celeba", {"csv": "x.csv"}, "config.data.csv='x.csv' would do nothing"),
    ("celeba", {"test_share": 0.2}, "a field of folder and table"),
    ("table", {"split_rule": "stargan"}, "a field of celeba, and"),
    ("avatars", {"split_rule": "stargan"}, "set 'official'"),
  ],
)
def test_a_field_that_the_data_do_not_read_is_refused(name, fields, said):
  fields = {f"data.{field}": x for field, x in fields.items()}
  config = changed(teacher.get_config("debug"), {"data.name": name, **fields})
  validation.check(config)
  with pytest.raises(UserError, match=re.escape(said)):
    validation.check_new(config)


def test_fields_of_photos_wait_until_it_is_known_what_they_are():
  config = teacher.get_config("photos")
  assert config.data.name == "photos"
  config.data.split, config.data.test_share = "folders", 0.3
  config.data.csv, config.data.split_rule = "labels.csv", "stargan"
  validation.check(config)


def test_a_field_may_be_meant_for_the_other_data_of_a_run():
  config = both.get_config("celeba")
  # RaFD, the second, does not read it, and is not given it either.
  config.data.split_rule = "stargan"
  validation.check_new(config)
  config.data.second.split_rule = "stargan"
  said = "config.data.second.split_rule='stargan' would do nothing"
  with pytest.raises(UserError, match=re.escape(said)):
    validation.check_new(config)
  # Nor does a set that is only measured by read how the run's is split.
  config = teacher.get_config("debug")
  config.data.name, config.data.split = "folder", "folders"
  config.classifier.data = {"name": "celeba"}
  validation.check(config)
  config = teacher.get_config("celeba")
  config.data.csv, config.classifier.data = "x.csv", {"name": "table"}
  validation.check_new(config)


# Of photos, their place has to be known first (tests/data/test_kind.py).
@pytest.mark.parametrize(
  ("name", "scale"),
  [(x, s) for s in SCALES if s != "photos" for x in experiments_of(s)],
)
def test_every_variant_of_an_experiment_is_a_run_that_may_start(name, scale):
  experiment = EXPERIMENTS[name](scale)
  assert experiment.title and len(experiment.variants) > 1
  distilled = 0
  for config in experiment.variants.values():
    config = ConfigDict(config.to_dict())
    config.teacher = "runs/teacher"
    validation.check(config)
    validation.check_new(config)
    distilled += distils(config)
    if distils(config):
      recipe = teaching.teacher_recipe(config)
      mapping = teaching.check_compatible(config, recipe)
      starts.check_new(config, recipe)
      assert mapping.any(1).all()
  # These are compared where nobody teaches.
  assert distilled or name in ("decoder", "curriculum")


@pytest.mark.parametrize(
  ("name", "scale"), [(x, scale) for scale in LACKING for x in LACKING[scale]]
)
def test_an_experiment_refuses_photos_without_its_labels(name, scale):
  with pytest.raises(ValueError, match="; take avatars"):
    EXPERIMENTS[name](scale)


def test_variants_differ_from_the_first_in_what_is_asked_and_nothing_else():
  variants = EXPERIMENTS["paper1_table1"]("celeba").variants
  assert variants["without"].distill.akd.weight == 0
  assert variants["with"].distill.akd.weight == 10
  without = variants["without"].to_dict()
  without["distill"]["akd"]["weight"] = 10.0
  assert without == variants["with"].to_dict()


def test_a_size_has_an_end_and_a_weight_has_none():
  config = attgan.get_config("debug")
  config.loss.lambda_rec = 2e4
  validation.check(config)
  config.discriminator.hidden = 10**9
  message = error(validation.check, config)
  assert message == (
    "config.discriminator.hidden=1000000000 must be at least 1 and at most"
    " 16384"
  )


@pytest.mark.parametrize(
  ("section", "field", "meant"),
  [
    ("", "batchsize", "batch_size"),
    ("optimizer", "learning_rat", "learning_rate"),
    ("distill", "outptu", "output"),
    ("distill.output", "wieght", "weight"),
    ("teacher_recipe.evaluation", "imgs", "images"),
  ],
)
def test_a_field_that_python_code_misspells_is_refused(section, field, meant):
  config = student.get_config("debug")
  place = config
  for name in filter(None, section.split(".")):
    place = place[name]
  place[field] = 2
  message = error(validation.check, config)
  above = f"config.{section}." if section else "config."
  assert f"no field {above}{field}; did you mean {above}{meant}?" in message


def test_fields_that_nobody_knows_are_left_to_who_has_added_them():
  config = student.get_config("debug")
  config.distill.squared = ConfigDict({"weight": 5.0})
  config.weather = "fine"
  validation.check(config)
