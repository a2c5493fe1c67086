"""What a classifier takes to be likely before it looks at a picture.

Of CelebA's people 2 in 100 are bald. A classifier that is to be right as often
as possible hardly ever says so, and cannot tell whether a generator has made
somebody bald.
"""

import jax.numpy as jnp
import numpy as np

from akd_jax.models.resnet import Variables


def assume_equal_shares(
  variables: Variables, shares: np.ndarray, label_rule: str
) -> Variables:
  """Returns a classifier to which no label is rarer than another.

  It predicts an attribute where a picture makes it likelier than it is among
  all pictures. Each bias of the last layer loses what the label's share adds to
  the logit (Saerens et al., "Adjusting the outputs of a classifier to new a
  priori probabilities", 2002, eq. 2.4). The features stay.

  Args:
    variables: of a ResNet with K logits.
    shares: [K], how often each label is on in what it has learnt from.
    label_rule: "multilabel", where an attribute is then as often there as not;
      or one by which exactly one label is on, where all are equally often.
  """
  rest = 1 - shares if label_rule == "multilabel" else np.ones_like(shares)
  # Nothing is known of what all pictures have, or none.
  known = (shares > 0) & (rest > 0)
  usual = np.log(np.where(known, shares, 1) / np.where(known, rest, 1))
  params = dict(variables["params"])
  bias = params["fc"]["bias"] - jnp.asarray(usual, jnp.float32)
  params["fc"] = {**params["fc"], "bias": bias}
  return {**variables, "params": params}
