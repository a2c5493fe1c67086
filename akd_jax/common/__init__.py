"""Shared ground: errors, files, the cache, commands, configs."""
