"""CSAT: the customer says how it was."""
