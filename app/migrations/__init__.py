"""Alembic, forward only: versions/ in order, run by schema.migrate(), roles and extensions included."""
