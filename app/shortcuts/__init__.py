"""Canned responses: what is written often, under a short code."""
