"""COE drivers, one package each, found by entry point. None knows a provider."""
