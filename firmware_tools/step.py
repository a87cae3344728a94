"""The step model: of a causal network's window model, the part that computes the newest column alone.

Of the 127 columns that wimose-plus (`models.plus`) computes for a window, 126 were computed for the window before. The
step model is cut from the quantised window model's own file:

- the image becomes the newest points, as many as a stem's filter has;
- where a convolution reaches further back than what it is given, the columns before become an input, and with the
  newest behind them and the oldest gone an output: hand it back with the next step;
- operators that only moved columns about (crops, batches of every d-th column, axes of length 1) go.

Every weight, scale and zero point stays, int8 arithmetic sums exactly and rounds value by value, so what a step says is
what the window says, bit for bit; `edge.inference.engine` holds one against the other before it relies on it.

inputs   image (1, 1, 15, 160) int8; then for each dilation d (1, 1, 2 d, 192) int8, columns in order of time
outputs  those of the window model; then the same columns for the next step
"""

from typing import Any

import numpy as np

from edge.arrays import Array

TIME, VALUES = 2, 3  # axes; every tensor is (1, 1, columns, values), as convolutions want it


def step_model(window: bytes) -> bytes:
    """A step model's .tflite file from that of a window model. Raises ValueError where there is none."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(window, 0)
    _Step(model, schema).cut()
    builder = schema.flatbuffers.Builder(len(window))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _Step:
    """A model being cut. Objects are those of TFLite's schema, tensors are numbers: places in its list of them."""

    def __init__(self, model: Any, schema: Any) -> None:
        self._model, self._schema, self._graph = model, schema, model.subgraphs[0]
        self._codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
        self._tensors, self._operators = self._graph.tensors, self._graph.operators
        self._kept: list[Any] = []  # operators of the step
        self._same: dict[int, int] = {}  # a tensor that only differed in shape, and what stands for it
        self._dilation = 1  # of the next convolution
        self._past: list[int] = []
        self._next: list[int] = []

    def cut(self) -> None:
        kinds = self._schema.BuiltinOperator
        moves = {kinds.EXPAND_DIMS, kinds.RESHAPE, kinds.SPACE_TO_BATCH_ND, kinds.BATCH_TO_SPACE_ND}
        by_value = {kinds.RELU, kinds.MUL, kinds.ADD}
        (image,) = self._graph.inputs
        kernels = [self._tensors[one.inputs[1]] for one in self._operators if self._code(one) == kinds.CONV_2D]
        self._shape(image, max(kernel.shape[TIME] for kernel in kernels))  # a stem's
        for operator in self._operators:
            code, out = self._code(operator), operator.outputs[0]
            operator.inputs = [self._same.get(tensor, tensor) for tensor in operator.inputs]
            source = operator.inputs[0]
            if self._tensors[out].type != self._schema.TensorType.INT8:
                continue  # computes the shape of a reshape
            if code in moves or (code == kinds.STRIDED_SLICE and source != image):
                self._same[out] = source
                if code == kinds.SPACE_TO_BATCH_ND:
                    self._dilation = int(self._numbers(operator.inputs[1])[0])
            elif code == kinds.STRIDED_SLICE:  # one receiver's values; of where the radios are the newest column alone
                first = int(self._numbers(operator.inputs[1])[-1])
                stop, columns = first + self._tensors[out].shape[-1], self._columns(image)
                kept = 1 if self._tensors[out].shape[1] == 1 else columns
                self._shape(out, kept)
                self._slice(image, out, {TIME: (columns - kept, columns), VALUES: (first, stop)})
            elif code == kinds.CONV_2D:
                self._convolution(operator)
            elif code == kinds.CONCATENATION or code in by_value:
                if code == kinds.CONCATENATION:
                    operator.builtinOptions.axis = VALUES
                self._shape(out, 1)
                self._kept.append(operator)
            else:
                raise ValueError(f"no step is known of TFLite's operator {code}")
        self._graph.inputs = [image, *self._past]
        self._graph.outputs = [*(self._same.get(tensor, tensor) for tensor in self._graph.outputs), *self._next]
        self._graph.operators = self._kept
        self._forget_the_rest()

    def _convolution(self, operator: Any) -> None:
        """Give it the columns that it reaches back to, where it has not got them."""
        source, options = operator.inputs[0], operator.builtinOptions
        kernel = self._tensors[operator.inputs[1]].shape  # of (outputs, 1, columns, values)
        if kernel[1] != 1 or options.padding != self._schema.Padding.VALID:
            raise ValueError("no step is known of a convolution that pads, or that is not over time alone")
        reach = self._dilation * (kernel[TIME] - 1) + 1
        missing = int(reach - self._columns(source))
        if missing:
            past, whole, following = (
                self._like(source, name, columns)
                for name, columns in (("past", missing), ("whole", reach), ("next", missing))
            )
            self._concatenate(past, source, whole)
            self._slice(whole, following, {TIME: (1, reach)})
            self._past.append(past)
            self._next.append(following)
            operator.inputs[0], options.dilationWFactor = whole, self._dilation
        self._dilation = 1
        self._shape(operator.outputs[0], 1)
        self._kept.append(operator)

    def _code(self, operator: Any) -> int:
        return int(self._codes[operator.opcodeIndex])

    def _columns(self, tensor: int) -> int:
        return int(self._tensors[tensor].shape[TIME])

    def _numbers(self, tensor: int) -> Array:
        return np.frombuffer(bytes(self._model.buffers[self._tensors[tensor].buffer].data), np.int32)

    def _shape(self, tensor: int, columns: int) -> None:
        self._tensors[tensor].shape = [1, 1, int(columns), int(self._tensors[tensor].shape[-1])]

    def _like(self, source: int, name: str, columns: int) -> int:
        """A new tensor of other columns, its values rounded alike."""
        old, new = self._tensors[source], self._schema.TensorT()
        new.name = f"{name}{len(self._past)}".encode()
        new.type, new.quantization, new.shape = old.type, old.quantization, old.shape
        self._tensors.append(new)
        self._shape(len(self._tensors) - 1, columns)
        return len(self._tensors) - 1

    def _constant(self, numbers: list[int]) -> int:
        buffer, tensor = self._schema.BufferT(), self._schema.TensorT()
        buffer.data = np.frombuffer(np.array(numbers, "<i4").tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        tensor.name, tensor.type, tensor.shape = b"numbers", self._schema.TensorType.INT32, [len(numbers)]
        tensor.buffer = len(self._model.buffers) - 1
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _concatenate(self, first: int, second: int, out: int) -> None:
        options = self._schema.ConcatenationOptionsT()
        options.axis = TIME
        self._emit("CONCATENATION", [first, second], out, options)

    def _slice(self, source: int, out: int, bounds: dict[int, tuple[int, int]]) -> None:
        """Of some axes what lies between two bounds, of the others everything."""
        begin, end = [0, 0, 0, 0], list(self._tensors[source].shape)
        for axis, (first, stop) in bounds.items():
            begin[axis], end[axis] = first, stop
        numbers = [self._constant(one) for one in (begin, end, [1, 1, 1, 1])]
        self._emit("STRIDED_SLICE", [source, *numbers], out, self._schema.StridedSliceOptionsT())

    def _emit(self, kind: str, inputs: list[int], out: int, options: Any) -> None:
        operator = self._schema.OperatorT()
        operator.opcodeIndex = self._codes.index(getattr(self._schema.BuiltinOperator, kind))
        operator.inputs, operator.outputs, operator.builtinOptions = inputs, [out], options
        operator.builtinOptionsType = getattr(self._schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self._kept.append(operator)

    def _forget_the_rest(self) -> None:
        """Number anew the tensors and buffers that are still in use, and drop what describes the window model."""
        graph, model = self._graph, self._model
        used = sorted({int(tensor) for one in self._kept for tensor in (*one.inputs, *one.outputs)})
        number = {tensor: n for n, tensor in enumerate(used)}
        for holder in (graph, *self._kept):
            holder.inputs = [number[tensor] for tensor in holder.inputs]
            holder.outputs = [number[tensor] for tensor in holder.outputs]
        graph.tensors = [self._tensors[tensor] for tensor in used]
        buffers = sorted({0, *(tensor.buffer for tensor in graph.tensors)})  # the first is empty by convention
        for tensor in graph.tensors:
            tensor.buffer, tensor.shapeSignature = buffers.index(tensor.buffer), None
        model.buffers = [model.buffers[buffer] for buffer in buffers]
        model.metadata = model.signatureDefs = None
