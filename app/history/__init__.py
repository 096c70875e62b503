"""The past, taken in: what happened elsewhere becomes ordinary conversations, with the times it had."""
