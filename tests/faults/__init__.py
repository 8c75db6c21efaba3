"""The fault suite: pgflight killed, cut off and crashed, and what is left of it.

Each experiment is a module with a function that runs one seeded round on a ground;
`oracle` asserts the same eight invariants after every one of them.
"""
