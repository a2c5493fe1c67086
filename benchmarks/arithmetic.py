"""Arithmetic of the networks, counted by hand."""


def generator_macs(size, classes, width, blocks):
  """Multiply-accumulates of one picture: (up to the last block, after it)."""
  half, quarter = (size // 2) ** 2, (size // 4) ** 2
  encoder = size**2 * 49 * (3 + classes) * width
  encoder += half * 16 * width * 2 * width
  encoder += quarter * 16 * 2 * width * 4 * width
  encoder += 2 * blocks * quarter * 9 * (4 * width) ** 2
  # A transposed convolution does its work at the pixels it starts from.
  decoder = quarter * 16 * 4 * width * 2 * width
  decoder += half * 16 * 2 * width * width
  decoder += size**2 * 49 * width * 3
  return encoder, decoder


def discriminator_macs(size, classes, width, layers):
  macs, inputs = 0, 3
  for i in range(layers):
    size, outputs = size // 2, width * 2**i
    macs += size**2 * 16 * inputs * outputs
    inputs = outputs
  return macs + size**2 * inputs * (9 + classes)


def step_flops(case):
  """Two a multiply-accumulate, counted as passes through each network.

  A pass is one of: forward, gradient of the input, gradient of the weights.
  An update of D: 3 for the real picture, 3 for the fake, 4 for the penalty
  (forward, its gradient to the picture, and both factors of that gradient).
  One of G: 3 for each of its two runs, and D forward and back to the picture;
  the first of its fakes is the last of D's, but with L_akd.
  L_akd: the teacher forward; its D forward and back, its decoder back; the
  same for the student, and once more each way through what was differentiated.
  """
  shape = case["size"], case["classes"]
  discriminator = discriminator_macs(*shape, case["d_width"], case["d_layers"])
  encoder, decoder = generator_macs(*shape, case["width"], case["blocks"])
  generator = encoder + decoder
  macs = (
    case["n_critic"] * (generator + 10 * discriminator)
    + 5 * generator
    + 2 * discriminator
  )
  if case["work"] == "distilled":
    taught = generator_macs(*shape, case["t_width"], case["t_blocks"])
    macs += generator + sum(taught) + 2 * discriminator + taught[1]
    macs += 3 * discriminator + 3 * decoder
  return 2 * macs * case["batch"]


def work_flops(case):
  """Of whatever a case does once: a cycle, or a batch of translations."""
  if case["work"] in ("plain", "distilled"):
    return step_flops(case)
  shape = case["size"], case["classes"], case["width"], case["blocks"]
  return 2 * sum(generator_macs(*shape)) * case["batch"]
