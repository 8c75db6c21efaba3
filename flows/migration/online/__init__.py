"""The online strategy: an up.sql rewritten so that the application never waits."""
