"""Published systems: what each network is given and lowers."""
