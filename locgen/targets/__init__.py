"""Targets: synthesis, place and route, and the tools that do them."""
