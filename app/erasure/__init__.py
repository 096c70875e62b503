"""Deleting a contact: whatever tells who he was is gone with one commit (docs/decisions/0012)."""
