"""Drawn faces whose labels are exact and whose true translations are known."""
