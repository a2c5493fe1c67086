"""Weights and files of other programs."""
