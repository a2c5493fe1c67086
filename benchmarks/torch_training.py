"""What the cycles of all systems in PyTorch have in common."""

import functools

import torch


def once(compiled):
  """What is done to a function that is differentiated once.

  torch.compile has no second derivative: those of a compiled network vanish
  without a word (pytorch issue 181581), so what a gradient penalty or a map of
  attention goes through stays eager.

  Args:
    compiled: whether torch.compile makes it.
  """
  if compiled:
    return functools.partial(torch.compile, dynamic=False)
  return lambda function: function


def adam(network, rate):
  cuda = next(network.parameters()).is_cuda
  return torch.optim.Adam(
    network.parameters(), rate, betas=(0.5, 0.999), fused=cuda, capturable=cuda
  )


def update(optimizer, terms, weights):
  """Moves an optimizer's parameters; returns the loss terms, unweighted.

  Of these parameters only: the other network's gradients are not needed.

  Args:
    optimizer: of one network; leaves their gradients in the parameters.
    terms: {name: scalar}.
    weights: {name: its weight}; 1 of a term that has none.
  """
  loss = sum(weights.get(name, 1.0) * x for name, x in terms.items())
  (group,) = optimizer.param_groups
  parameters = group["params"]
  gradients = torch.autograd.grad(loss, parameters)
  for p, gradient in zip(parameters, gradients, strict=True):
    p.grad = gradient
  optimizer.step()
  return {name: x.detach() for name, x in terms.items()}


def gradient_penalty(critic, mixed):
  """The mean of (||gradient of the summed critic|| - 1)^2 at pictures."""
  mixed = mixed.detach().requires_grad_()
  (gradient,) = torch.autograd.grad(
    critic(mixed).sum(), mixed, create_graph=True
  )
  norm = gradient.flatten(1).square().sum(1).sqrt()
  return (norm - 1).square().mean()
