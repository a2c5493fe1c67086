"""Whether PyTorch's side does the references' work: see torch_peer.py."""

import json
import pathlib
from typing import Any, NamedTuple

import numpy as np
import torch
import torch_attgan
import torch_relgan
import torch_stargan

TOLERANCE = 1e-4  # of an array's largest magnitude


def check(path, compiled, memory_format):
  """Raises AssertionError where a golden file says something else."""
  loaded = np.load(path)
  about = json.loads(str(loaded["metadata"])) if "metadata" in loaded else {}
  arrays = {k: torch.tensor(loaded[k]) for k in loaded if k != "metadata"}
  if released := RELEASED.get(pathlib.Path(path).stem):
    _check_released(arrays, released(arrays, about), compiled, memory_format)
  else:
    _check_cycle(arrays, compiled, memory_format)
  print(f"equal to {path} after one cycle")


class Released(NamedTuple):
  """A system's golden file, and what it is to be compared with.

  Attributes:
    system: the module.
    networks: those of its sizes, the generator first.
    loss: weights, as config.loss names them.
    cycle: arguments of the trainer's cycle that sees the batch twice.
    learning, taught: arguments of either update alone.
    pictures: {name in the file: what the generator is given of `image`}.
    terms: our terms -> {name in the file: value}.
  """

  system: Any
  networks: tuple
  loss: dict
  cycle: tuple
  learning: tuple
  taught: tuple
  pictures: dict
  terms: Any


def _attgan(arrays, about):
  image, label, target, alpha = (
    arrays[name] for name in ("x_real", "att_a", "att_b", "gp_alpha")
  )
  classes = about["n_att"]
  generator = torch_attgan.Generator(
    classes,
    *(about[x] for x in ("dim", "layers", "shortcut", "inject")),
    slope=0.2,
    epsilon=1e-3,
  )
  discriminator = torch_attgan.Discriminator(
    about["size"],
    classes,
    *(about[x] for x in ("dis_dim", "dis_layers", "fc")),
    slope=0.2,
    hidden_slope=0.2,
    epsilon=1e-6,
  )
  loss = {"lambda_d_cls": 1.0, "lambda_g_cls": 10.0, "lambda_gp": 10.0}

  def terms(x):
    return {
      "D_loss/df_loss": x["d_loss_real"] + x["d_loss_fake"],
      "D_loss/df_gp": x["d_loss_gp"],
      "D_loss/dc_loss": x["d_loss_cls"],
      "G_loss/gf_loss": x["g_loss_fake"],
      "G_loss/gc_loss": x["g_loss_cls"],
      "G_loss/gr_loss": x["g_loss_rec"],
    }

  return Released(
    torch_attgan,
    (generator, discriminator),
    loss | {"lambda_rec": 100.0},
    ([image] * 2, [label] * 2, [target] * 2, [alpha]),
    (image, label, target, alpha),
    (image, label, target),
    {
      "x_fake": (image, arrays["label_b"]),
      "x_rec": (image, arrays["label_a"]),
    },
    terms,
  )


def _relgan(arrays, about):
  image, label = (
    torch.stack([arrays[f"{kind}_{x}"] for x in "abc"])
    for kind in ("img", "att")
  )
  alpha, strength = arrays["gp_alpha"], arrays["inter_alpha"][:, 0]
  classes, filters = about["n_att"], about["filters"]
  generator = torch_relgan.Generator(classes, about["dim"], about["blocks"])
  discriminator = torch_relgan.Discriminator(
    classes, filters[0], len(filters), about["hidden"], about["interp"]
  )
  loss = {
    "lambda_rec": 10.0,
    "lambda_self": 10.0,
    "lambda_interpolation": 1.0,
    "lambda_orthogonality": 1e-2,
    "lambda_gp": 150.0,
  }
  # The release adds D's answers to real pictures, constants to G.
  adversarial, match = (
    arrays[f"real_{x}"].square().mean() for x in ("adv", "match")
  )

  def terms(x):
    return {
      "D_loss/df_loss": x["d_loss_real"] + x["d_loss_fake"],
      "D_loss/dc_loss": x["d_loss_match"],
      "D_loss/df_gp": x["d_loss_gp"],
      "D_loss/di_loss": x["d_loss_interpolation"],
      "G_loss/gf_loss": x["g_loss_fake"] + adversarial,
      "G_loss/gc_loss": x["g_loss_match"] + match,
      "G_loss/rec_cycle": x["g_loss_rec"],
      "G_loss/rec_self": x["g_loss_self"],
      "G_loss/gi_loss": x["g_loss_interpolation"],
      "G_loss/go_loss": x["g_loss_orthogonality"],
    }

  v = arrays["v_ab"]
  return Released(
    torch_relgan,
    (generator, discriminator),
    loss,
    (image, label, alpha, torch.stack([strength] * 2)),
    (image, label, alpha, strength),
    (image[0], *label[:2], strength),
    {
      "x_fake": (image[0], v),
      "x_self": (image[0], torch.zeros_like(v)),
      "x_inter": (image[0], strength[:, None] * v),
      "x_rec": (arrays["x_fake"], -v),
    },
    terms,
  )


RELEASED = {"attgan": _attgan, "relgan": _relgan}


def _check_released(arrays, released, compiled, memory_format):
  """Pictures, a cycle's terms and gradients, and how statistics move.

  Its steps are of size 0, so that both networks' gradients are of the golden
  weights; Adam itself is proven by StarGAN's files.
  """
  networks = [x.to(memory_format=memory_format) for x in released.networks]
  generator, discriminator = networks
  trainer = released.system.Trainer(networks, released.loss, 0.0, compiled)

  def restart():
    _load(generator, arrays, "G/")
    _load(discriminator, arrays, "D/")

  for name, inputs in released.pictures.items():
    restart()
    with torch.no_grad():
      picture = generator(*inputs)[: len(arrays[name])]
    _assert_close(name, picture, arrays[name])
  restart()
  for name, value in released.terms(trainer.cycle(*released.cycle)).items():
    _assert_close(name, value, arrays[name])
    print(f"{name:16}  {value:12.6g}  reference {arrays[name]:12.6g}")
  for network, prefix in ((generator, "G_grad/"), (discriminator, "D_grad/")):
    for name, parameter in network.named_parameters():
      _assert_close(prefix + name, parameter.grad, arrays[prefix + name])
  for update, inputs, after in (
    (trainer.update_discriminator, released.learning, "G_after_D_step/"),
    (trainer.update_generator, released.taught, "G_after_G_step/"),
  ):
    restart()
    update(*inputs)
    statistics = dict(generator.named_buffers())
    for name, wanted in _part(arrays, after).items():
      _assert_close(after + name, statistics[name], wanted)


def _assert_close(name, ours, wanted):
  assert ours.shape == wanted.shape, name
  far = (ours - wanted).abs().max()
  assert far <= TOLERANCE * wanted.abs().max(), f"{name} is off by {far:.3g}"


def _check_cycle(arrays, compiled, memory_format):
  """One cycle from StarGAN's golden weights, against the golden outcome."""
  classes = arrays["c_org"].shape[-1]

  def load(network, prefix):
    return _load(network, arrays, prefix).to(memory_format=memory_format)

  def networks(width, blocks, prefixes):
    generator = torch_stargan.Generator(width, blocks, classes)
    discriminator = torch_stargan.Discriminator(8, 4, classes, 32)
    return [
      load(network, prefix)
      for network, prefix in zip(
        (generator, discriminator), prefixes, strict=True
      )
    ]

  generator, discriminator = networks(8, 2, ("G0/", "D0/"))
  taught = "attention_teacher" in arrays
  teacher = networks(16, 3, ("TG/", "TD/")) if taught else None
  weight = float(arrays["lambda_akd"]) if taught else 0.0
  trainer = torch_stargan.Trainer(
    generator, discriminator, teacher, weight, compiled
  )
  inputs = [arrays[x] for x in ("x_real", "c_org", "c_trg", "gp_alpha")]
  for name, value in trainer.cycle(*inputs).items():
    value, wanted = float(value), float(arrays[name].mean())
    assert abs(value - wanted) <= TOLERANCE * max(abs(wanted), 0.01), name
    print(f"{name:12}  {value:12.6g}  reference {wanted:12.6g}")
  for network, prefix in ((generator, "G1/"), (discriminator, "D1/")):
    for name, value in network.state_dict().items():
      wanted = arrays[prefix + name]
      far = (value - wanted).abs() > TOLERANCE * wanted.abs().max()
      # Adam gives rounding noise a whole step: see tests/golden_cycles.py.
      assert far.sum() <= max(1, 0.02 * far.numel()), prefix + name


def _load(network, arrays, prefix):
  missing, unexpected = network.load_state_dict(
    _part(arrays, prefix), strict=False
  )
  # PyTorch's BatchNorm counts batches, to no end where it has a momentum.
  missing = [x for x in missing if not x.endswith("num_batches_tracked")]
  assert not missing and not unexpected, (missing, unexpected)
  return network


def _part(arrays, prefix):
  return {
    k.removeprefix(prefix): x for k, x in arrays.items() if k.startswith(prefix)
  }
