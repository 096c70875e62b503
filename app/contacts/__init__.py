"""The people who write to us, and how each channel knows them."""
