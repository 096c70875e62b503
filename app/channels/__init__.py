"""Channels translate between a provider's words and ours. They never touch the database."""
