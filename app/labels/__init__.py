"""Labels: the words an account sorts its conversations by."""
