"""Data for looking at pages and for timing them: a small believable tenant, and a very large one."""
