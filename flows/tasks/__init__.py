"""Thin Prefect tasks: call, log, publish, return."""
