"""What we owe the outside: written in the transaction that owes it, sent afterwards, perhaps much later, never forgotten."""
