"""Numbers that tell how good a translator is: arrays in, numbers out."""
