"""Parts of an ONNX graph, run by onnxruntime."""

from collections.abc import Iterable, Sequence

import onnx
import onnxruntime

__all__ = ["session_of"]


def session_of(
    proto: onnx.ModelProto,
    nodes: Iterable[onnx.NodeProto],
    inputs: Iterable[onnx.ValueInfoProto],
    outputs: Sequence[str],
) -> onnxruntime.InferenceSession:
    """Return a session of `nodes`, copied from `proto`, in one thread and without a word.

    Parameters
    ----------
    inputs : what is fed; those that no node uses are left out
    outputs : names of the tensors requested
    """
    part = onnx.ModelProto(ir_version=proto.ir_version)
    part.opset_import.extend(proto.opset_import)
    part.graph.name = "locgen"
    part.graph.node.extend(nodes)
    used = {name for node in part.graph.node for name in node.input} | set(outputs)
    part.graph.initializer.extend(t for t in proto.graph.initializer if t.name in used)
    held = {tensor.name for tensor in part.graph.initializer}
    part.graph.input.extend(v for v in inputs if v.name in used and v.name not in held)
    part.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        part.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
