"""What the tests and those of the examples have in common."""

pytest_plugins = ["tests.conformance.matrix"]
