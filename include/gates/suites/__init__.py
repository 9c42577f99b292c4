"""The suites, one module per workflow family."""
