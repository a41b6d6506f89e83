"""Turns what a cluster should be into what it is: look, plan, act. Knows contracts, not one provider or driver."""
