"""Calendars: when somebody works, in which zone, on which days off; versioned, for inboxes and teams."""
