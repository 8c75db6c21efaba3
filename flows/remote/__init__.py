"""Runs that a worker elsewhere executes: started, and followed, by name."""
