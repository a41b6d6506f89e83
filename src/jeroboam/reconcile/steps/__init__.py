"""The steps of a pass. Each looks, plans, acts, and says when to look again; each may be killed at any line and run again."""
