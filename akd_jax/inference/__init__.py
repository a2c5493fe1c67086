"""Pictures through a trained network."""
