"""The help center: portals, categories, articles."""
