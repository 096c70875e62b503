"""Kulpunai: conversations with customers, from every channel, in one place."""
