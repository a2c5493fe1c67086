"""Recipes: `--config=configs/NAME.py[:ARG]`; installed as akd_jax.configs."""
