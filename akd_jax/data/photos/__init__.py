"""Labelled photos: CelebA, folders, tables."""
