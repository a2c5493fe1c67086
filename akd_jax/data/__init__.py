"""From pictures on a disk to batches of pictures, labels and nothing else."""
