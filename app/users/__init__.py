"""People who answer: users, their role in each account, teams, and the tokens that prove who they are."""
