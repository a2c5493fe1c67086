"""Attention knowledge distillation for image-to-image GANs, in JAX."""

__version__ = "0.2.0"
