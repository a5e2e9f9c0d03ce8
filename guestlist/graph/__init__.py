"""Meta's Graph API client. Knows nothing of our tables."""
