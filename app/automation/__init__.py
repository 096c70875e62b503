"""What happens by itself: greetings, out-of-office answers, and later the account's own rules."""
