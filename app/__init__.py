"""Kulpunai: conversations with customers, from every channel, in one place."""

VERSION = "0.1.0"
