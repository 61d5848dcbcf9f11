"""Verification: vectors, test benches, and the levels of evidence."""
