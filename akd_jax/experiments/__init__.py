"""Many runs: variants, seeds, intervals, pages."""
