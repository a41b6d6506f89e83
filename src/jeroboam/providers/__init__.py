"""Infrastructure providers, one package each, found by entry point. None knows a driver."""
