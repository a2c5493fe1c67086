"""What a classifier takes to be likely before it looks at a picture.

Of CelebA's people 2 in 100 are bald. Whoever is taken for bald is mostly not,
unless it is plain to see, so that a classifier which is to be right as often as
possible finds hardly anyone. Whether a generator has set a rare attribute it
then cannot say.
"""

import jax.numpy as jnp
import numpy as np

from akd_jax.models.resnet import Variables


def assume_equal_shares(
  variables: Variables, labels: np.ndarray, label_rule: str
) -> Variables:
  """Returns a classifier to which no label is rarer than another.

  It predicts an attribute where that is likelier of the picture than of all:
  the biases of the last layer are less by what the shares of the training
  split add to the logits (Saerens et al., "Adjusting the outputs of a
  classifier to new a priori probabilities", 2002, eq. 2.4). The features stay.

  Args:
    variables: of a ResNet with K logits.
    labels: 0/1 [N, K], of the pictures that it has learnt from.
    label_rule: "multilabel", where an attribute is as often there as not; or
      one by which exactly one label is on, where all are equally often.
  """
  shares = np.mean(labels, axis=0)
  rest = 1 - shares if label_rule == "multilabel" else np.ones_like(shares)
  # Nothing is known of what all pictures have, or none.
  known = (shares > 0) & (rest > 0)
  usual = np.log(np.where(known, shares, 1) / np.where(known, rest, 1))
  params = dict(variables["params"])
  bias = params["fc"]["bias"] - jnp.asarray(usual, jnp.float32)
  params["fc"] = {**params["fc"], "bias": bias}
  return {**variables, "params": params}
