"""What a generator costs, against the published numbers."""

import itertools
import json
import os

import flax.linen as nn
import jax.numpy as jnp
import pytest

from akd_jax.evaluation.metrics import cost
from akd_jax.models.layers import Conv
from akd_jax.models.stargan import Generator


@pytest.mark.parametrize(
  "width,blocks,parameters,macs",
  [
    (64, 6, 8_436_800, 10.06),
    (32, 3, 1_234_976, 1.78),
    (16, 1, 166_416, 0.38),
  ],
)
@pytest.mark.parametrize("platform_is_cpu", [True, False])
def test_the_papers_generators_cost_what_they_should(
  shapes_of, monkeypatch, width, blocks, parameters, macs, platform_is_cpu
):
  # The form of a convolution must not change what it counts for.
  monkeypatch.setattr(
    "akd_jax.models.convolutions.on_cpu", lambda: platform_is_cpu
  )
  generator = Generator(width=width, blocks=blocks)
  params = shapes_of(generator, (1, 128, 128, 3), (1, 7))
  assert cost.parameters(params) == parameters
  counted = cost.multiply_accumulates(
    generator, {"params": params}, size=128, classes=7
  )
  assert round(counted / 1e9, 2) == macs


def test_a_mask_costs_one_more_channel_of_the_last_layer(shapes_of):
  costs = []
  for output in ("image", "blend"):
    generator = Generator(width=4, blocks=1, output=output)
    params = shapes_of(generator, (1, 16, 16, 3), (1, 2))
    counted = cost.multiply_accumulates(
      generator, {"params": params}, size=16, classes=2
    )
    costs.append((cost.parameters(params), counted))
  (parameters, macs), (more_parameters, more_macs) = costs
  assert more_parameters - parameters == 7 * 7 * 4
  assert more_macs - macs == 7 * 7 * 4 * 16 * 16


def test_a_resizing_decoder_costs_as_much_and_has_less(shapes_of):
  counted = {}
  for upsample in ("transposed", "resize"):
    generator = Generator(width=4, blocks=1, upsample=upsample)
    params = shapes_of(generator, (1, 16, 16, 3), (1, 2))
    counted[upsample] = (
      cost.parameters(params),
      cost.multiply_accumulates(
        generator, {"params": params}, size=16, classes=2
      ),
    )
  (parameters, macs), (fewer, same) = counted.values()
  assert same == macs and parameters - fewer == 7 * (16 * 8 + 8 * 4)


class Layer(nn.Module):
  resample: str

  @nn.compact
  def __call__(self, image, label):
    return Conv(5, 4, self.resample)(image)


@pytest.mark.parametrize("resample,pixels", [("down", 4 * 4), ("up", 8 * 8)])
def test_a_kernel_counts_once_a_pixel_of_the_smaller_side(
  shapes_of, resample, pixels
):
  layer = Layer(resample)
  params = shapes_of(layer, (1, 8, 8, 3), (1, 2))
  counted = cost.multiply_accumulates(
    layer, {"params": params}, size=8, classes=2
  )
  assert counted == 4 * 4 * 3 * 5 * pixels


class WithDense(nn.Module):
  @nn.compact
  def __call__(self, image, label):
    return nn.Dense(3)(Conv(3, 3)(image))


class WithStyle(nn.Module):
  @nn.compact
  def __call__(self, image, label):
    style = nn.Dense(3)(label)
    return Conv(3, 3, "pool")(image) + style[:, None, None]


def test_what_makes_a_style_is_not_counted(shapes_of):
  network = WithStyle()
  params = shapes_of(network, (1, 8, 8, 3), (1, 2))
  counted = cost.multiply_accumulates(
    network, {"params": params}, size=8, classes=2
  )
  # The kernel of 3 x 3 and the average are one of 4 x 4.
  assert counted == 4 * 4 * 3 * 3 * 4 * 4


def test_layers_that_would_go_uncounted_are_refused(shapes_of):
  network = WithDense()
  params = shapes_of(network, (1, 8, 8, 3), (1, 2))
  with pytest.raises(ValueError, match="not those of a Conv"):
    cost.multiply_accumulates(network, {"params": params}, size=8, classes=2)


def test_latency_is_a_median_without_the_first_calls(monkeypatch):
  durations = [100, 50, 20, 1, 9, 2, 3]  # three of compilation and warm-up
  ticks = [tick for d in durations for tick in (0, d)]
  monkeypatch.setattr(cost.time, "perf_counter", iter(ticks).__next__)
  calls = itertools.count()
  assert cost.latency(lambda: next(calls), calls=4) == {
    "median": 2.5, "quartiles": [1.75, 4.5], "calls": 4,
  }  # fmt: skip
  assert next(calls) == 7


def test_latency_waits_for_the_result(monkeypatch):
  waited = []
  monkeypatch.setattr(cost.jax, "block_until_ready", waited.append)
  result = jnp.zeros(2)
  cost.latency(lambda: result, calls=2)
  assert waited == [result] * 5


def test_two_kinds_of_cpu_are_two_devices(monkeypatch, tmp_path):
  names = set()
  for model, cores in [("one", 2), ("another", 2), ("another", 1)]:
    file = tmp_path / model
    file.write_text(f"processor\t: 0\nmodel name\t: {model}\n")
    monkeypatch.setattr(cost, "_CPUINFO", file)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _, n=cores: range(n))
    names.add(cost.name_device())
  assert names == {"one, cores: 2", "another, cores: 2", "another, cores: 1"}


def test_the_cost_of_a_generator_is_a_line_of_json(initialize):
  generator = Generator(width=2, blocks=1)
  params = initialize(generator, (1, 8, 8, 3), (1, 2))
  result = cost.generator_cost(
    generator, {"params": params}, size=8, classes=2, batches=(1, 2), calls=3
  )
  assert json.loads(json.dumps(result)) == result
  assert result["parameters"] == cost.parameters(params)
  assert result["image_size"] == 8
  assert result["device"] == cost.name_device()
  assert list(result["latency"]) == ["1", "2"]
  assert all(timed["median"] > 0 for timed in result["latency"].values())
