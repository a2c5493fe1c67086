"""How fast each data source delivers, and how long training waits for it.

  python benchmarks/inputs.py [--out=benchmarks/results.jsonl]

Images a second from disk to device, after the operating system has the files
in memory, each source through the whole pipeline (decode, crop, resize,
shuffle, flip, batch). Then the share of a real run's time that is spent waiting
for the next batch: a step of the embedded student's size.
"""

import os
import pathlib
import tempfile
import time

import jax
import jax_worker
import numpy as np
import results
from PIL import Image

from akd_jax.common import cache as compilation
from akd_jax.configs import teacher as recipe
from akd_jax.data import pipeline
from akd_jax.data.attributes import CELEBA
from akd_jax.training import parallel

PHOTOS = 2_000
BATCHES = 100
# The embedded student, with a discriminator update more: it reads faster so.
STUDENT = {
  "size": 64, "classes": 7, "batch": 8, "d_width": 32, "d_layers": 5,
  "n_critic": 2, "width": 8, "blocks": 3, "t_width": 16, "t_blocks": 6,
  "work": "distilled",
}  # fmt: skip


def write_photos(avatars, root):
  """Avatars as photos are delivered: JPEG of 178 x 218, lists, folders, CSV."""
  folder = root / "img_align_celeba"
  folder.mkdir(parents=True)
  classes = root / "classes"
  lines, rows = [str(PHOTOS), " ".join(CELEBA)], ["name,Smiling"]
  for i in range(PHOTOS):
    name = f"{i + 1:06}.jpg"
    picture = Image.fromarray(avatars[i % len(avatars)]["image"])
    picture.resize((178, 218), Image.Resampling.BICUBIC).save(
      folder / name, quality=90
    )
    (classes / f"class_{i % 2}").mkdir(parents=True, exist_ok=True)
    os.link(folder / name, classes / f"class_{i % 2}" / name)
    lines.append(name + " 1 -1" * (len(CELEBA) // 2))
    rows.append(f"{name},{i % 2}")
  (root / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
  # A test photo in ten.
  (root / "list_eval_partition.txt").write_text(
    "".join(
      f"{i + 1:06}.jpg {2 if i % 10 == 0 else int(i % 10 == 1)}\n"
      for i in range(PHOTOS)
    )
  )
  (folder / "labels.csv").write_text("\n".join(rows) + "\n")


def sources(root, size):
  """{source: its config.data}, at a size of the networks' pictures."""
  photos = {"path": str(root), "image_size": size}
  kinds = {
    "celeba": {},
    "folder": {
      "attributes": (), "path": str(root / "classes"),
      "label_rule": "exclusive",
    },
    "table": {
      "attributes": (), "path": str(root / "img_align_celeba"),
    },
  }  # fmt: skip
  for name, fields in kinds.items():
    data = recipe.get_config("celeba").data
    data.update({"name": name, **photos, **fields})
    yield f"{name}, JPEG 178x218", data
  data = recipe.get_config("avatars").data
  data.update({"image_size": size, "sizes": {"train": PHOTOS}})
  yield "avatars, drawn before", data


def batches(data):
  source = pipeline.open_source(data, "train")
  return pipeline.make_batches(
    source, batch_size=16, micro_batches=1, seed=0, threads=data.threads
  )


def images_per_second(data):
  """(a second of wall time, a second of one core)."""
  iterator = batches(data)

  def deliver():
    jax.block_until_ready(parallel.shard(next(iterator)))

  for _ in range(10):
    deliver()
  start, used = time.perf_counter(), time.process_time()
  for _ in range(BATCHES):
    deliver()
  images = 16 * BATCHES
  return (
    images / (time.perf_counter() - start),
    images / (time.process_time() - used),
  )


def waiting(data):
  """(share of a run's time spent waiting for data, images a step and second).

  The loop of akd_jax.main: take a batch, put it on the device, step.
  """
  step, (state, teacher, _) = jax_worker.training_step(STUDENT)
  source = pipeline.open_source(data, "train")
  iterator = pipeline.make_batches(
    source, batch_size=8, micro_batches=2, seed=0, threads=data.threads
  )
  waited, start = 0.0, 0.0
  for i in range(60):
    if i == 10:  # compiled, and the reader is ahead
      waited, start = 0.0, time.perf_counter()
    before = time.perf_counter()
    batch = parallel.shard(next(iterator))
    waited += time.perf_counter() - before
    batch["label"] = np.zeros((1, 2, 8, 7), np.uint8)
    state, _ = step(state, teacher, batch)
    # Only for the clock: otherwise the queue of steps hides the waiting.
    jax.block_until_ready(state)
  elapsed = time.perf_counter() - start
  return waited / elapsed, 50 * 16 / elapsed


def main():
  options = results.parser(__doc__).parse_args()
  compilation.use_persistent_cache()
  with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    drawn = recipe.get_config("avatars").data
    drawn.update({"sizes": {"train": PHOTOS}})
    write_photos(pipeline.open_source(drawn, "train"), root)
    for size in (64, 128):
      for name, data in sources(root, size):
        wall, core = images_per_second(data)
        row = {
          "benchmark": "inputs", "source": name, "size": size,
          "images_per_s": round(wall), "images_per_core_s": round(core),
          "cores": os.cpu_count(),
        }  # fmt: skip
        if size == 64:
          share, used = waiting(data)
          row["waiting_share"] = round(share, 4)
          row["step_images_per_s"] = round(used)
        results.append(options.out, row)
        print("  ".join(f"{k} {v}" for k, v in row.items()), flush=True)


if __name__ == "__main__":
  main()
