"""Conversations: the heart. Who wrote what to whom, who answers, and how it stands."""
