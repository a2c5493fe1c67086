"""Networks: pure functions of their parameters."""
