"""A team at work: two hundred signed-in users on one site, and what becomes of them while its database restarts."""
