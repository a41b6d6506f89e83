"""Conformance suites and builders for those who write drivers, providers and stores. Shipped with the package."""
