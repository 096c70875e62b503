"""Who is at work, and what he is busy with: told by the open workspace, and to the log."""
