"""Arrays in, PNG out: nothing here knows a model or a config."""
