"""Benchmarks: ``make bench``. Only ratios measured in one run count."""
