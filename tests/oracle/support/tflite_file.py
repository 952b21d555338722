"""Writes TFLite files op by op, and runs them in LiteRT (or TensorFlow's own TFLite) by any of its kernels."""

import warnings

import flatbuffers
import numpy as np

try:
    from ai_edge_litert import interpreter as runtime
    from ai_edge_litert import schema_py_generated as schema
    from importlib.metadata import version
    RUNTIME = f"LiteRT {version('ai-edge-litert')}"
except ImportError:
    import tensorflow as tf
    from tensorflow.lite.python import interpreter as runtime
    from tensorflow.lite.python import schema_py_generated as schema
    RUNTIME = f"TensorFlow {tf.__version__}"

warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter is deprecated.*")

TYPES = {np.dtype(np.float32): schema.TensorType.FLOAT32, np.dtype(np.int8): schema.TensorType.INT8,
         np.dtype(np.uint8): schema.TensorType.UINT8, np.dtype(np.int16): schema.TensorType.INT16,
         np.dtype(np.int32): schema.TensorType.INT32, np.dtype(np.int64): schema.TensorType.INT64}

KERNELS = {"reference": runtime.OpResolverType.BUILTIN_REF,
           "optimized": runtime.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
           "XNNPACK": runtime.OpResolverType.BUILTIN}

ACTIVATIONS = {"none": 0, "relu": 1, "relu6": 3}


class File:
    """A model under construction; tensors are known by their number."""

    def __init__(self):
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = b"brisk"
        self.model.operatorCodes, self.model.buffers = [], [schema.BufferT()]
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []

    def tensor(self, dtype, shape, scale=None, zero_point=0, data=None, axis=0):
        """`scale`: a number, or one for each index of `axis`."""
        t = schema.TensorT()
        t.name = f"t{len(self.graph.tensors)}".encode()
        t.type, t.shape, t.buffer = TYPES[np.dtype(dtype)], [int(n) for n in shape], 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.ascontiguousarray(data, dtype).reshape(-1).view(np.uint8)
            t.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        if scale is not None:
            q = schema.QuantizationParametersT()
            q.scale = np.atleast_1d(np.asarray(scale, np.float32))
            q.zeroPoint = np.full(q.scale.shape, zero_point, np.int64)
            q.quantizedDimension = axis
            t.quantization = q
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def op(self, name, op_version, inputs, outputs, options=None):
        """`name`: of schema.BuiltinOperator; `options`: an object such as schema.AddOptionsT()."""
        number = getattr(schema.BuiltinOperator, name)
        codes = [(c.builtinCode, c.version) for c in self.model.operatorCodes]
        if (number, op_version) not in codes:
            code = schema.OperatorCodeT()
            code.builtinCode, code.version = number, op_version
            code.deprecatedBuiltinCode = min(number, 127)
            self.model.operatorCodes.append(code)
            codes.append((number, op_version))
        operator = schema.OperatorT()
        operator.opcodeIndex = codes.index((number, op_version))
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            operator.builtinOptions = options
        self.graph.operators.append(operator)

    def finish(self, inputs, outputs):
        self.graph.inputs, self.graph.outputs = list(inputs), list(outputs)
        self.model.subgraphs = [self.graph]
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def options(kind, **fields):
    """options("Add", fusedActivationFunction=1): an options object of the schema."""
    result = getattr(schema, f"{kind}OptionsT")()
    for name, value in fields.items():
        if not hasattr(result, name):
            raise AttributeError(f"{kind}Options has no {name}")
        setattr(result, name, value)
    return result


class Runner:
    def __init__(self, content, kernels="reference"):
        self.interpreter = runtime.Interpreter(model_content=content, num_threads=1,
                                               experimental_op_resolver_type=KERNELS[kernels])
        self.interpreter.allocate_tensors()

    def __call__(self, inputs):
        for detail, value in zip(self.interpreter.get_input_details(), inputs, strict=True):
            self.interpreter.set_tensor(detail["index"], value)
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(d["index"]).copy() for d in self.interpreter.get_output_details()]
