"""Readers of ONNX-ML graphs."""
