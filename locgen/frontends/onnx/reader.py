"""Reader of ONNX-ML graphs: trees, or what adds up columns and kernels."""

from locgen.errors import UnsupportedModel
from locgen.frontends.onnx.arithmetic import read_arithmetic
from locgen.frontends.onnx.machines import Machine
from locgen.frontends.onnx.model import OnnxModel
from locgen.frontends.onnx.trees import read_trees
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Read, Reading

__all__ = ["read"]


def read(last: OnnxModel, preprocessing: Preprocessing, read: Read) -> Reading:
    """Read a graph; one of trees beside other models is refused."""
    machines = [isinstance(one, Machine) for one in last.graph.ensembles]
    if any(machines) and not all(machines):
        raise UnsupportedModel(
            "the ONNX graph mixes trees and other models: convert them one by one"
        )
    return (read_arithmetic if any(machines) else read_trees)(last, preprocessing)
