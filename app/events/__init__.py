"""The log: one line for every change, in the order of commits, for everyone who must follow."""
