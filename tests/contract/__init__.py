"""The Magnum API v1, section by section of its contract, as tables."""
