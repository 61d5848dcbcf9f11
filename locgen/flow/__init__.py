"""The road from a model to a verified build, and back to a board."""
