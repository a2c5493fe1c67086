"""Labelled pictures: data sets, and batches made of them."""
