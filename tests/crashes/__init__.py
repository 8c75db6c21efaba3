"""Runs that are held at a step of theirs, on a real Prefect, when a fault hits them."""
