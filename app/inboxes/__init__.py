"""Inboxes: one instance of a channel, with its members, hours, greeting and secrets."""
