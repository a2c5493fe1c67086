"""Draws how good a student is by its size, as the experiment `sizes` found it.

python docs/sizes.py docs/results/sizes.csv docs/sizes.png

A line is a recipe and a number of blocks, its points are widths. Dotted: the
teacher, from docs/results/distillation.csv's page.
"""

import csv
import re
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

TEACHER = {"accuracy": 95.2, "fd_classifier": 17.8}
