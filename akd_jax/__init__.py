"""Attention knowledge distillation for image-to-image GANs, in JAX."""
