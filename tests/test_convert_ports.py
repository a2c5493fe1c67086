"""Weights of AttGAN's and RelGAN's PyTorch code draw what that code draws.

tests/golden/SYSTEM_port.pth is what the port's own `save` wrote, after one step
of its training on a CPU; SYSTEM_port.npz what the port made of it in eval mode,
float32. From elvisyjlin/AttGAN-PyTorch @be2d6c6, whose head sizes were made
those of the last map and 5, and elvisyjlin/RelGAN-PyTorch @8e432d0, whose
widths were made 4, 8, 16 (heads 12 and 6) and whose `async=` another word.
Weights were then drawn anew, with variances in which an epsilon shows. `fakes`:
the photos as they are, then with one attribute after the other the other way
round, as AttGAN's test.py sets it, and by RelGAN's `att_a - att_b` (train.py).
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import akd_jax
from akd_jax.common.errors import UserError
from akd_jax.inference.exports import (
  arrays_of,
  export_onnx,
  export_whole,
  program_of,
)
from akd_jax.inference.network import Wanted
from akd_jax.inference.torch_exports import export_torch
from akd_jax.interop import numpy_program, torch_attgan, torch_relgan
from akd_jax.interop.torch_file import read_checkpoint, read_state_dict
from akd_jax.models.attgan import Generator
from akd_jax.models.attgan_discriminator import Discriminator
from akd_jax.models.pixels import to_unit
from akd_jax.systems import relgan_losses, system_of
from akd_jax.training import run_dir
from akd_jax.training import teacher as teaching
from akd_jax.training.released import convert, read_networks
from tests import onnx_runtime
from tests.golden_arrays import GOLDEN, error, load
from tests.layouts import error as message_of

TOLERANCE = 1e-4


class Ported:
  """What a port made, and the run that its file became, saved and loaded.

  Attributes:
    fakes: the port's pictures, [12, 16, 16, 3]: of each edit, both photos.
    image: [12, 16, 16, 3], what they are of.
    wanted: what our users ask for: targets, labels and edits, [12, 5] each.
    given: [12, 5], what our generator is given then.
  """

  def __init__(self, system, folder):
    self.system = system
    self.arrays = load(f"{system}_port")
    self.names = [str(name) for name in self.arrays["names"]]
    self.path = str(GOLDEN / f"{system}_port.pth")
    self.states = read_networks(self.path, None)
    run = convert(*self.states, self.names, image_size=16)
    self.file = str(folder / f"{system}.npz")
    export_whole(run, self.file)
    self.loaded = akd_jax.load(self.file)
    self.run = self.loaded.network.run
    self.fakes = self.arrays["fakes"].reshape(12, 16, 16, 3)
    self.photos = np.tile(self.arrays["images"], (6, 1, 1, 1))
    self.image = np.asarray(to_unit(self.photos))
    labels = np.tile(self.arrays["att"].astype(np.float32), (6, 1))
    edits = np.repeat(np.eye(6, 5, -1, np.float32), 2, axis=0)
    # One attribute the other way round, and what excludes it.
    self.sets = [
      {name: int(1 - label[k]) for k, name in enumerate(self.names) if edit[k]}
      for label, edit in zip(labels, edits, strict=True)
    ]
    targets = np.stack(list(map(self.loaded.label, self.sets, labels)))
    self.wanted = Wanted(targets, labels, edits)
    self.given = np.asarray(system_of(run.config).test_label(*self.wanted))

  def draw(self, given=None, **changed):
    """All of `fakes` by NumPy alone, with options of the steps changed."""
    given = self.given if given is None else given
    program = program_of(self.run, "numpy")
    steps = [
      step | {k: x for k, x in changed.items() if k in step}
      for step in program.steps
    ]
    about = {"attributes": self.names, "multiple": program.multiple}
    return numpy_program.generate(
      about | {"program": steps}, arrays_of(self.run), self.image, given
    )


@pytest.fixture(name="ported", scope="module", params=["attgan", "relgan"])
def fixture_ported(request, tmp_path_factory):
  return Ported(request.param, tmp_path_factory.mktemp("ported"))


@pytest.fixture(name="states", scope="module")
def fixture_states():
  """{system: both state dicts}."""
  return {
    system: read_networks(str(GOLDEN / f"{system}_port.pth"), None)
    for system in ("attgan", "relgan")
  }


def assert_bytes(drawn, pictures):
  """A value halfway between two bytes may be rounded either way."""
  expected = np.clip(np.rint((pictures + 1) * 127.5), 0, 255)
  assert drawn.dtype == np.uint8 and np.abs(drawn - expected).max() <= 1


def test_photos_are_translated_as_by_the_port(ported):
  # The first two ask for nothing, which nobody can.
  for i in range(2, 12):
    own = ported.wanted.labels[i : i + 1]
    drawn = ported.loaded.translate(ported.photos[i], ported.sets[i], own=own)
    assert_bytes(drawn, ported.fakes[i])


def attgan_scores(model, photos, fakes, given):
  del given
  (adv, logits, _), (fake_adv, fake_logits, _) = (
    model.discriminate(x) for x in (photos, fakes[2:4])
  )
  scores = {"adv": adv, "logits": logits}
  scores |= {"fake_adv": fake_adv, "fake_logits": fake_logits}
  # And with each of our own constants.
  for name in ("slope", "hidden_slope", "epsilon"):
    ours = model.networks.discriminator.clone(
      **{name: getattr(Discriminator(), name)}
    )
    (_, logits), _ = ours.apply({"params": model.discriminator}, photos)
    scores[f"logits/{name}"] = logits
  return scores


def relgan_scores(model, photos, fakes, given):
  (source, _), (last, _) = (
    relgan_losses.look(model, x) for x in (photos, fakes)
  )
  sources = jnp.tile(source, (6, 1, 1, 1))
  return {
    "adv": relgan_losses.judge(model, last),
    "inter": relgan_losses.interpolate(model, source),
    "match": relgan_losses.match(model, sources, last, given[:, None]),
    "match/sign": relgan_losses.match(model, sources, last, -given[:, None]),
  }


def test_the_discriminator_says_what_the_port_s_says(ported):
  score = {"attgan": attgan_scores, "relgan": relgan_scores}[ported.system]
  scores = jax.jit(score)(
    ported.run.model, ported.image[:2], ported.fakes, ported.given
  )
  for name, ours in scores.items():
    name, _, changed = name.partition("/")
    theirs = ported.arrays[name].reshape(ours.shape)
    if changed:
      assert error(ours, theirs) > 10 * TOLERANCE, changed
    else:
      assert error(ours, theirs) <= TOLERANCE, name


def test_numpy_and_onnx_draw_the_port_s_pictures(ported, tmp_path):
  assert error(ported.draw(), ported.fakes) <= TOLERANCE
  path = str(tmp_path / "model.onnx")
  export_onnx(ported.run, path)
  drawn = onnx_runtime.translate(path, ported.photos, ported.wanted)
  assert_bytes(drawn, ported.fakes)


def test_an_export_is_what_the_port_saved(ported, tmp_path):
  alone = str(tmp_path / "generator.pth")
  assert export_torch(ported.run, alone) == [alone]
  both = tmp_path / "both"
  export_torch(ported.run, str(both))
  assert sorted(x.name for x in both.iterdir()) == [
    "weights.0-README.txt",
    "weights.0.pth",
  ]
  for path, networks in ((alone, {"G"}), (both / "weights.0.pth", {"G", "D"})):
    saved, written = map(read_checkpoint, (ported.path, path))
    assert written.keys() == networks
    for name, state in written.items():
      known = {k for k in saved[name] if "num_batches_tracked" not in k}
      assert state.keys() == known
      for key, array in state.items():
        np.testing.assert_array_equal(array, saved[name][key], key)


def test_an_attgan_with_our_own_constants_is_none_of_the_port_s(
  states, tmp_path
):
  run = convert(*states["attgan"], NAMES, image_size=16)
  run.config.generator.slope = 0.2
  found = message_of(export_torch, run, str(tmp_path / "g.pth"))
  assert found.startswith("config.generator.slope is 0.2, and the released")
  assert not list(tmp_path.iterdir())


def test_each_of_the_port_s_constants_shows_in_its_pictures(ported):
  if ported.system == "attgan":
    for name in ("slope", "epsilon"):
      drawn = ported.draw(**{name: getattr(Generator(), name)})
      assert error(drawn, ported.fakes) > 10 * TOLERANCE, name
  drawn = ported.draw(given=-ported.given)
  assert error(drawn, ported.fakes) > 100 * TOLERANCE


def test_a_generator_alone_translates_and_does_not_teach(states, tmp_path):
  arrays = load("attgan_port")
  names = [str(name) for name in arrays["names"]]
  generator, _ = states["attgan"]
  # As a generator is saved on several GPUs.
  wrapped = {f"module.{name}": x for name, x in generator.items()}
  run = convert(wrapped, None, names, image_size=16)
  path = str(tmp_path / "generator.npz")
  export_whole(run, path)
  own = arrays["att"][:1].astype(np.float32)
  drawn = akd_jax.load(path).translate(
    arrays["images"][0], {names[0]: int(1 - own[0, 0])}, own=own
  )
  assert_bytes(drawn, arrays["fakes"][1, 0])
  assert "is not a run saved with" in message_of(teaching.check_place, path)


def test_sizes_are_those_of_the_arrays(ported):
  about = ported.run.config.generator, ported.run.config.discriminator
  sizes = [{k: x for k, x in d.items() if isinstance(x, int)} for d in about]
  assert (
    sizes
    == {
      "attgan": [
        {"width": 2, "layers": 3, "shortcut": 1, "inject": 1},
        {"width": 2, "layers": 3, "hidden": 6},
      ],
      "relgan": [
        {"width": 4, "blocks": 1},
        {"width": 4, "layers": 3, "match_width": 12, "interpolation_width": 6},
      ],
    }[ported.system]
  )


@pytest.mark.parametrize("shortcut", range(4))
@pytest.mark.parametrize("inject", range(4))
def test_which_layers_of_a_decoder_are_given_what_is_read(shortcut, inject):
  weights = torch_attgan.list_generator_weights(16, 4, shortcut, inject, 13)
  state = {w.name: np.broadcast_to(np.float32(0), w.shape) for w in weights}
  fields = torch_attgan.read(state, None).fields
  assert fields["generator.shortcut"] == shortcut
  assert fields["generator.inject"] == inject


NAMES = list("ABCDE")


@pytest.mark.parametrize(
  ("system", "edit", "message"),
  [
    ("attgan", {"enc_layers.1.layers.0.weight": None}, "(4, 2, 4, 4) is miss"),
    ("attgan", {"enc_layers.0.layers.1.bias": None}, "1.bias' (2,) is missing"),
    ("attgan", {"more": np.zeros(1)}, "AttGAN generator: 'more' is unknown"),
    ("relgan", {"up1.0.bias": None}, "generator: 'up1.0.bias' (4,) is missing"),
    ("relgan", {"up1.1.running_var": np.zeros(4)}, "should be (1, 4, 1)"),
    ("relgan", {"resb.0.f.0.weight": np.zeros((16, 16))}, "is (16, 16) and"),
  ],
)
def test_what_is_no_such_network_is_named(states, system, edit, message):
  generator, discriminator = states[system]
  state = {k: x for k, x in (generator | edit).items() if x is not None}
  found = message_of(convert, state, discriminator, NAMES)
  assert message in found
  found = message_of(convert, generator, state, NAMES)
  assert " discriminator: " in found and "is missing" in found


@pytest.mark.parametrize("system", ["attgan", "relgan"])
@pytest.mark.parametrize("kind", [np.float64, np.float16, jnp.bfloat16])
def test_weights_of_any_precision_become_a_file_that_is_read(
  states, system, kind, tmp_path
):
  networks = [{k: x.astype(kind) for k, x in s.items()} for s in states[system]]
  run = convert(*networks, NAMES)
  path = str(tmp_path / "teacher.npz")
  export_whole(run, path)
  back = run_dir.load_run(path).model
  for ours, theirs in (
    (back.generator, run.model.generator),
    (back.statistics, run.model.statistics),
  ):
    near = functools.partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-6)
    jax.tree.map(near, ours, theirs)


@pytest.mark.parametrize(
  ("change", "message"),
  [
    (lambda x: x.astype(np.int64), "is of int64, no weights"),
    (lambda x: x.astype(np.float64) * 1e39, "numbers that are not finite"),
  ],
)
def test_what_single_precision_does_not_have_is_no_weight(
  states, change, message
):
  for generator, discriminator in states.values():
    first = next(k for k, x in generator.items() if x.ndim == 4)
    wrong = generator | {first: change(generator[first] + 1)}
    found = message_of(convert, wrong, discriminator, NAMES)
    assert first in found and found.endswith(message)


def test_networks_without_a_channel_are_refused():
  generator = torch_relgan.list_generator_weights(0, 2, len(NAMES))
  discriminator = torch_relgan.list_discriminator_weights(0, 2, 0, 0, 5)
  empty = [
    {x.name: np.zeros(x.shape) for x in y} for y in (generator, discriminator)
  ]
  assert "describes no network" in message_of(convert, *empty, NAMES)


def test_what_does_not_fit_is_refused_in_one_line(states):
  generator, discriminator = states["attgan"]
  found = message_of(convert, discriminator, generator, NAMES)
  assert found.startswith("--from is no generator of StarGAN, AttGAN, RelGAN")
  found = message_of(convert, generator, discriminator, NAMES[:4])
  assert found.endswith("names 4, but the generator's label has 5 classes")
  arguments = (generator, discriminator, NAMES, "celeba", 0, 32)
  found = message_of(convert, *arguments)
  assert found.startswith(
    "--image_size=32, but the discriminator sees pictures"
  )


def test_a_file_says_which_state_dicts_it_holds(states, tmp_path):
  path = str(GOLDEN / "attgan_port.pth")
  # An optimizer's state is none.
  assert sorted(read_checkpoint(path)) == ["D", "G"]
  found = message_of(read_state_dict, path)
  assert "'G' is of type dict, not a tensor" in found
  generator, discriminator = states["attgan"]
  np.savez(tmp_path / "D.npz", **discriminator)
  _, other = read_networks(path, str(tmp_path / "D.npz"))
  assert other.keys() == discriminator.keys()


@pytest.mark.parametrize("system", ["attgan", "relgan"])
def test_damage_ends_in_nothing_but_a_user_error(system, tmp_path):
  rng = np.random.default_rng(0)
  whole = np.frombuffer((GOLDEN / f"{system}_port.pth").read_bytes(), np.uint8)
  path = tmp_path / "damaged.pth"
  refused = 0
  for _ in range(20):
    damaged = whole[: rng.integers(len(whole) // 2, len(whole))].copy()
    damaged[rng.integers(0, 4096, 3)] = rng.integers(0, 256, 3)
    path.write_bytes(damaged.tobytes())
    try:
      read_checkpoint(path)
    except UserError as caught:
      assert "\n" not in str(caught)
      refused += 1
  assert refused == 20
