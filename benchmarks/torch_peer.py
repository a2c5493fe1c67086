"""The same work in PyTorch, which the speed of akd_jax is measured against.

It needs PyTorch and NumPy alone:

  python benchmarks/torch_peer.py --check tests/golden/cycle_student.npz
      [--compile] [--channels-last]

proves that it does the work of the reference: same losses, same weights after
one cycle. attgan.npz and relgan.npz in that place prove the same of these
systems: pictures, losses and gradients. Without --check it is a worker of
compare.py and accelerator.py.
"""

import argparse
import functools
import sys
import time

import torch
import torch_attgan
import torch_relgan
import worker
from torch_golden import check
from torch_stargan import Discriminator, Generator, Trainer

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SYSTEMS = {"attgan": torch_attgan, "relgan": torch_relgan}
FORMATS = {
  "contiguous": torch.contiguous_format,
  "channels_last": torch.channels_last,
}


def wait():
  if DEVICE == "cuda":
    torch.cuda.synchronize()


def prepare(case):
  """The unit of work that a case asks for.

  `case["work"]` is "plain" or "distilled", a cycle of training, of StarGAN if
  `case["system"]` names none of SYSTEMS; or, of the network alone, "forward",
  or "translate", which begins and ends with bytes in the host's memory where
  `case["bytes"]` says so.
  """
  torch.manual_seed(0)
  if case.get("threads"):
    torch.set_num_threads(case["threads"])
  if DEVICE == "cuda":  # products in TF32, as XLA's default takes them
    torch.set_float32_matmul_precision("high")
  if case["work"] in ("forward", "translate"):
    return _translation(case)
  cycle = _cycle_of_system if "system" in case else _cycle
  return worker.Unit(cycle(case), wait)


def _placed(network, case):
  layout = FORMATS[case.get("format", "contiguous")]
  return network.to(DEVICE, memory_format=layout)


def _autocast(case):
  return torch.bfloat16 if case.get("dtype") == "bfloat16" else None


def _cycle(case):
  """A function that begins a cycle of training."""
  size, classes, batch = case["size"], case["classes"], case["batch"]

  def networks(prefix=""):
    generator = Generator(
      case[prefix + "width"], case[prefix + "blocks"], classes
    )
    discriminator = Discriminator(
      case["d_width"], case["d_layers"], classes, size
    )
    return _placed(generator, case), _placed(discriminator, case)

  n = case["n_critic"]
  # A micro-batch at a time: five dimensions have no channels_last.
  layout = FORMATS[case.get("format", "contiguous")]
  image = [
    (torch.rand(batch, 3, size, size) * 2 - 1).to(DEVICE, memory_format=layout)
    for _ in range(n)
  ]
  label, target = torch.randint(0, 2, (2, n, batch, classes)).float().to(DEVICE)
  alpha = torch.rand(n, batch, 1, 1, 1).to(DEVICE)
  trainer = Trainer(
    *networks(),
    networks("t_") if case["work"] == "distilled" else None,
    compiled=case.get("compile", False),
    autocast=_autocast(case),
  )
  return functools.partial(trainer.cycle, image, label, target, alpha)


def _cycle_of_system(case):
  """A function that begins a cycle of one of SYSTEMS."""
  system = SYSTEMS[case["system"]]
  trainer = system.Trainer(
    [_placed(x, case) for x in system.create_networks(case)],
    case["loss"],
    case["learning_rate"],
    case.get("compile", False),
  )
  inputs = [x.to(DEVICE) for x in system.draw_inputs(case)]
  return functools.partial(trainer.cycle, *inputs)


def _translation(case):
  size, classes, batch = case["size"], case["classes"], case["batch"]
  generator = Generator(case["width"], case["blocks"], classes).eval()
  generator = _placed(generator, case)
  if case.get("compile"):
    generator = torch.compile(generator)
  layout = FORMATS[case.get("format", "contiguous")]
  autocast = _autocast(case)

  @torch.inference_mode()
  def forward(image, label):
    with torch.autocast(DEVICE, autocast, enabled=autocast is not None):
      return generator(image, label)

  if case.get("bytes"):
    picture = torch.randint(0, 256, (batch, size, size, 3), dtype=torch.uint8)
    label = torch.ones(batch, classes, dtype=torch.uint8)

    def translate():
      image = picture.to(DEVICE).permute(0, 3, 1, 2).float() / 127.5 - 1
      image = image.contiguous(memory_format=layout)
      fake = forward(image, label.to(DEVICE).float()).float()
      scaled = ((fake + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
      return scaled.permute(0, 2, 3, 1).contiguous().cpu()

    return worker.Unit(translate, wait)
  image = torch.rand(batch, 3, size, size).to(DEVICE, memory_format=layout)
  label = torch.ones(batch, classes, device=DEVICE)
  return worker.Unit(functools.partial(forward, image, label), wait)


class Peer:
  """What the worker answers."""

  def build(self, case):
    """Makes the unit; compiles it, if it is to be. Nothing is chosen yet by
    cuDNN, which tries its algorithms in `warm` alone on the device."""
    torch.backends.cudnn.benchmark = False
    start = time.perf_counter()
    self.unit = self.captured = None  # their memory is free for the next
    self.unit = prepare(case)
    if case.get("compile"):
      worker.timed(self.unit, 1)
    seconds = round(time.perf_counter() - start, 1)
    return {"torch": torch.__version__, "build_s": seconds}

  def warm(self):
    """Returns the seconds of a unit."""
    torch.backends.cudnn.benchmark = True
    worker.timed(self.unit, 2)
    if DEVICE == "cuda":
      torch.cuda.reset_peak_memory_stats()
    return worker.timed(self.unit, 3)

  def capture(self):
    """The unit as one CUDA graph, which spares the host its launches."""
    if DEVICE != "cuda":
      raise RuntimeError("CUDA graphs need a GPU")
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
      for _ in range(3):
        self.unit.start()
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.reset_peak_memory_stats()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
      self.unit.start()
    self.captured = self.unit  # whose memory the graph works on
    self.unit = worker.Unit(graph.replay, wait)
    return worker.timed(self.unit, 3)

  def time(self, repeat):
    return worker.timed(self.unit, repeat)

  def memory(self):
    """Most that was allocated at once since it was warm; None on a CPU."""
    if DEVICE != "cuda":
      return {"mib": None}
    return {"mib": round(torch.cuda.max_memory_allocated() / 2**20)}


def main():
  if len(sys.argv) == 1:
    peer = Peer()
    names = ("build", "warm", "capture", "time", "memory")
    return worker.serve({name: getattr(peer, name) for name in names})
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--check", required=True, metavar="NPZ")
  parser.add_argument("--compile", action="store_true")
  parser.add_argument("--channels-last", action="store_true")
  options = parser.parse_args()
  layout = "channels_last" if options.channels_last else "contiguous"
  check(options.check, options.compile, FORMATS[layout])


if __name__ == "__main__":
  main()
