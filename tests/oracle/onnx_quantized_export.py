"""Integer models that brisk writes as ONNX, judged by onnx.checker and by ONNX Runtime: whether it fuses them into
its integer kernels; each layer by itself, on integers drawn at random, against what brisk makes of the same nodes, in
steps of its result; and the whole model's outputs against brisk's integer graph, in steps of an 8-bit output. Each may
be a step away: sums that lie halfway but for the last bit of an f32 number.

    python tests/oracle/onnx_quantized_export.py [NAME...]     (needs onnx, onnxruntime, safetensors, pillow)
"""

import collections
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import onnx.utils
import onnxruntime
from PIL import Image
from safetensors.numpy import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
BRISK = os.environ.get("BRISK_PROGRAM", str(ROOT / "build" / "bin" / "brisk"))
MODELS = {"small_cnn": (28, 1), "resnet18": (64, 3), "mobilenet_v2": (64, 3), "inception": (32, 3)}
FLOAT_OPS = {"Conv", "Gemm", "MatMul", "Add"}


def brisk(*arguments):
    result = subprocess.run([BRISK, *map(str, arguments)], capture_output=True, text=True)
    assert result.returncode == 0, f"brisk {' '.join(map(str, arguments))}: {result.stdout}{result.stderr}"
    return result.stdout


def make_photos(folder, size, channels):
    random = numpy.random.default_rng(0)
    for label in ("cat", "dog"):
        (folder / label).mkdir(parents=True)
        for i in range(8):
            coarse = random.integers(0, 256, size=(4, 4, channels), dtype=numpy.uint8)
            image = Image.fromarray(coarse.squeeze()).resize((size, size), Image.BILINEAR)
            image.save(folder / label / f"{i}.png")


def make_inception(file):
    """Branches that are concatenated twice, one behind an average, of random weights; images come last axis first."""
    random, nodes, weights = numpy.random.default_rng(3), [], []

    def convolution(x, inputs, filters, size, y):
        spread = numpy.sqrt(2 / (inputs * size * size))
        for name, values in ((f"{y}_w", random.normal(size=(filters, inputs, size, size)) * spread),
                             (f"{y}_b", random.normal(size=filters) * 0.1)):
            weights.append(onnx.numpy_helper.from_array(values.astype(numpy.float32), name))
        nodes.append(onnx.helper.make_node("Conv", [x, f"{y}_w", f"{y}_b"], [f"{y}_sum"], y, pads=[size // 2] * 4))
        nodes.append(onnx.helper.make_node("Relu", [f"{y}_sum"], [y]))
        return y

    def block(x, inputs, y):
        nodes.append(onnx.helper.make_node("AveragePool", [x], [f"{y}_mean"], kernel_shape=[3, 3], pads=[1] * 4))
        parts = [convolution(x, inputs, 16, 1, f"{y}_narrow"),
                 convolution(convolution(x, inputs, 16, 1, f"{y}_before"), 16, 24, 3, f"{y}_wide"),
                 convolution(f"{y}_mean", inputs, 8, 1, f"{y}_average")]
        nodes.append(onnx.helper.make_node("Concat", parts, [y], axis=1))
        return y

    nodes.append(onnx.helper.make_node("Transpose", ["image"], ["pixels"], perm=[0, 3, 1, 2]))
    x = block(block(convolution("pixels", 3, 24, 3, "stem"), 24, "first"), 48, "second")
    nodes.append(onnx.helper.make_node("GlobalAveragePool", [x], ["features"]))
    nodes.append(onnx.helper.make_node("Flatten", ["features"], ["flat"]))
    for name, values in (("dense_w", random.normal(size=(48, 5))), ("dense_b", random.normal(size=5))):
        weights.append(onnx.numpy_helper.from_array(values.astype(numpy.float32), name))
    nodes.append(onnx.helper.make_node("Gemm", ["flat", "dense_w", "dense_b"], ["logits"]))
    ports = [onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["batch", 32, 32, 3]),
             onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", 5])]
    graph = onnx.helper.make_graph(nodes, "inception", ports[:1], ports[1:], weights)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), str(file))


class Layers:
    """The quantized products of a model, each as a model of its own: floats, rounded, through the product, to floats."""

    def __init__(self, model):
        self.model = onnx.shape_inference.infer_shapes(model)
        self.maker = {output: node for node in model.graph.node for output in node.output}
        self.readers = collections.defaultdict(list)
        for node in model.graph.node:
            for name in node.input:
                self.readers[name].append(node)
        self.known = {entry.name: onnx.numpy_helper.to_array(entry) for entry in model.graph.initializer}
        self.extractor = onnx.utils.Extractor(self.model)

    def rounded(self, name):
        """Where the integers behind a DequantizeLinear come from: a QuantizeLinear each, of what is concatenated."""
        node = self.maker[name]
        if node.op_type == "QuantizeLinear":
            return [node]
        parts = node.input if node.op_type == "Concat" else node.input[:1]
        return [found for part in parts for found in self.rounded(part)]

    def follow(self, product):
        """The rounding of the residual, if there is one, and of the result, if that is integers."""
        residual, node = None, product
        while True:
            readers = self.readers[node.output[0]]
            if node.op_type == "QuantizeLinear" and not (
                    len(readers) == 1 and self.readers[readers[0].output[0]]
                    and self.readers[readers[0].output[0]][0].op_type == "Add" and residual is None
                    and self.readers[readers[0].output[0]][0].input[0] == readers[0].output[0]):
                return residual, node
            if not readers or readers[0].op_type == "Identity":
                return residual, None
            if readers[0].op_type == "Add":
                residual = self.rounded(readers[0].input[1])
            node = readers[0]

    def one(self, product):
        """(model, range of each input, step of the result, whether it has a residual)"""
        residual, result = self.follow(product)
        inputs = self.rounded(product.input[0]) + (residual or [])
        names = list(dict.fromkeys(node.input[0] for node in inputs))
        output = result.output[0] if result else product.output[0]
        part = self.extractor.extract_model(names, [output])
        ranges = {}
        for node in inputs:
            scale, zero = float(self.known[node.input[1]]), int(self.known[node.input[2]])
            ranges[node.input[0]] = (-zero * scale, (255 - zero) * scale)
        if not result:
            return part, ranges, 0, False
        part.graph.node.append(onnx.helper.make_node("DequantizeLinear", [output, *result.input[1:]], ["result"]))
        del part.graph.output[:]
        part.graph.output.append(onnx.helper.make_tensor_value_info("result", onnx.TensorProto.FLOAT, None))
        return part, ranges, float(self.known[result.input[1]]), residual is not None


def check_layers(model, folder):
    layers, worst = Layers(model), collections.Counter()
    different, elements = collections.Counter(), collections.Counter()
    products = [node for node in model.graph.node if node.op_type in ("Conv", "Gemm")]
    random = numpy.random.default_rng(2)
    for product in products:
        part, ranges, step, has_residual = layers.one(product)
        file, samples, outputs = (folder / f"layer{end}" for end in (".onnx", ".in.safetensors", ".out.safetensors"))
        onnx.save(part, str(file))
        values = {}
        for port in part.graph.input:
            shape = [size.dim_value or 2 for size in port.type.tensor_type.shape.dim]
            values[port.name] = random.uniform(*ranges[port.name], size=shape).astype(numpy.float32)
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        theirs = session.run(None, values)[0]
        save_file(values, str(samples))
        brisk("predict", file, "--tensors", samples, "--output", outputs)
        (ours,) = load_file(str(outputs)).values()
        away = numpy.abs(ours - theirs)
        if step:
            kind = "with a residual" if has_residual else "without one"
            worst[kind] = max(worst[kind], away.max() / step)
            different[kind] += int((away > 0.5 * step).sum())
            elements[kind] += away.size
            assert away.max() <= 1.001 * step, f"layer {product.name}: {away.max() / step} steps apart"
        else:
            assert away.max() <= 1e-5 * numpy.abs(theirs).max(), f"layer {product.name}: {away.max()} apart"
    apart = ", ".join(f"{kind} {steps:.2f} ({different[kind]} of {elements[kind]} elements differ)"
                      for kind, steps in worst.items())
    print(f"   {len(products)} layers, each by itself, steps apart at most: {apart}")


def train(name, folder):
    size, channels = MODELS[name]
    recipe = folder / "recipe.yaml"
    recipe.write_text(f"model: {{name: {name}}}\ndata:\n  train: {{image_folder: photos, size: [{size}, {size}], "
                      f"channels: {channels}}}\nbatch_size: 8\nepochs: 3\nmean: 127\nstd: 64\noutput: run\n")
    brisk("train", recipe, "--quiet")


def check(name, folder, opset):
    size, channels = MODELS[name]
    photos, package, run = folder / "photos", folder / "package", folder / "run"
    make_photos(photos, size, channels)
    if name == "inception":
        make_inception(folder / "float.onnx")
        run.mkdir()
        brisk("import", folder / "float.onnx", "--out", run / "model")
    else:
        train(name, folder)
    brisk("quantize", run / "model", "--data", photos, "--keep_slow", "--steps", 1, "--time_batch_size", 1,
          "--output", package)
    file, optimized, samples = folder / "model.onnx", folder / "optimized.onnx", folder / "samples.safetensors"
    brisk("export", package / "model", "--to", "onnx", "--out", file, "--version", opset)
    model = onnx.load(str(file))
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(optimized)
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    port = session.get_inputs()[0]
    images = [numpy.asarray(Image.open(path), numpy.float32) for path in sorted(photos.rglob("*.png"))]
    mean, std = (0, 255) if name == "inception" else (127, 64)  # whose package has none but the default
    values = (numpy.stack(images).reshape(-1, size, size, channels) - numpy.float32(mean)) / numpy.float32(std)
    outputs = session.run(None, {port.name: values})
    save_file({port.name: values}, str(samples))
    counts = collections.Counter(node.op_type for node in onnx.load(str(optimized)).graph.node)
    left = {op: counts[op] for op in FLOAT_OPS if counts[op]}
    print(f"{name} (opset {opset}): {dict(counts)}")
    assert not left, f"ONNX Runtime computes in floats: {left}"
    check_layers(model, folder)
    predictions = folder / "ours.safetensors"
    found = {}
    for what, path in (("integers", package / "model"), ("floats", run / "model")):
        brisk("predict", path, "--tensors", samples, "--output", predictions)
        found[what] = load_file(str(predictions))
    for port, theirs in zip(session.get_outputs(), outputs):
        step = numpy.abs(theirs).max() / 127
        away = {what: numpy.abs(ours[port.name] - theirs).max() / step for what, ours in found.items()}
        print(f"   output '{port.name}', in 127ths of the largest: {away['integers']:.2f} from brisk's integer graph, "
              f"{away['floats']:.2f} from the float model")
        assert away["integers"] <= 1, f"{name}: {away['integers']:.2f} steps from brisk's integer graph"


def main():
    names = sys.argv[1:] or MODELS
    for name in names:
        with tempfile.TemporaryDirectory() as scratch:
            check(name, Path(scratch), 17)
    print(f"{len(names)} models: written, checked and run by ONNX Runtime {onnxruntime.__version__}")


if __name__ == "__main__":
    main()
