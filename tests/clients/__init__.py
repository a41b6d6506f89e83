"""Real, unchanged clients against `jeroboam serve` as a process."""
