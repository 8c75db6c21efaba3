"""Thin Prefect tasks: call, log, publish, return.

With the first of them the border is closed, before Prefect can be told anything.
"""

from flows.border import install

install()
