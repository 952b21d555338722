"""Holds brisk's event files and TFRecords against TensorBoard's own readers."""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New
from tensorboard.context import RequestContext
from tensorboard.data import provider, server_ingester
from tensorboard.data.server_ingester import SubprocessServerDataIngester
from tensorboard.util import grpc_util, tensor_util

sys.path.insert(0, str(Path(__file__).parent / "support"))
from samples import run_sample  # noqa: E402


def check_loss(scalars):
    """Steps 5 to 7 stand in both files of the run; those of the second count."""
    loss = [(point.step, point.value) for point in scalars["run"]["loss"]]
    expected = [(s, float(np.float32(1 / (s + 1)))) for s in range(5)]
    expected += [(s, -float(s)) for s in range(5, 10)]
    assert loss == expected, loss


def check_multiplexer(folder):
    """What the web page's plugins ask for, by way of the data provider."""
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    data = MultiplexerDataProvider(multiplexer, str(folder))
    context = RequestContext()
    assert [run.run_name for run in data.list_runs(context, experiment_id="")] == ["run"]

    listed = data.list_scalars(context, experiment_id="", plugin_name="scalars")["run"]
    assert set(listed) == {"loss", "constant"}, set(listed)
    scalars = data.read_scalars(context, experiment_id="", plugin_name="scalars", downsample=1000)
    check_loss(scalars)

    text = data.read_tensors(context, experiment_id="", plugin_name="text", downsample=1000)
    assert text["run"]["recipe"][0].numpy.item().decode().endswith("| 1 | ü |")
    bars = data.read_tensors(context, experiment_id="", plugin_name="histograms", downsample=1000)
    point, = bars["run"]["kernel"]
    assert point.step == 3
    np.testing.assert_array_equal(point.numpy, [[0, 1, 1], [1, 2, 1], [2, 3, 3]])

    images = data.list_blob_sequences(context, experiment_id="", plugin_name="images")
    assert set(images["run"]) == {"picture"}
    tag = provider.RunTagFilter(runs=["run"], tags=["picture"])
    sequence, = data.read_blob_sequences(context, experiment_id="", plugin_name="images",
                                         downsample=1000, run_tag_filter=tag)["run"]["picture"]
    keys = [value.blob_key for value in sequence.values]
    assert [data.read_blob(context, blob_key=key) for key in keys] == [b"1", b"1", b"not really PNG"]


def check_accumulator(folder):
    accumulator = plugin_event_accumulator.EventAccumulator(str(folder / "run"))
    accumulator.Reload()
    nodes = {node.name: list(node.input) for node in accumulator.Graph().node}
    assert nodes == {"input": [], "dense/kernel": [], "dense/matmul": ["input", "dense/kernel"],
                     "relu": ["dense/matmul"]}, nodes
    value = tensor_util.make_ndarray(accumulator.Tensors("constant")[0].tensor_proto)
    assert value.dtype == np.float32 and value == 0.25


def check_server(folder):
    """The data server, which TensorBoard uses for scalars and such where it is installed."""
    ingester = SubprocessServerDataIngester(
        server_binary=server_ingester.get_server_binary(), logdir=str(folder), reload_interval=0,
        channel_creds_type=grpc_util.ChannelCredsType.LOCAL, samples_per_plugin={"scalars": 1000})
    ingester.start()
    data, context = ingester.data_provider, RequestContext()
    for _ in range(100):
        scalars = data.read_scalars(context, experiment_id="", plugin_name="scalars",
                                    downsample=1000)
        if scalars.get("run", {}).get("loss"):
            break
        time.sleep(0.1)
    check_loss(scalars)
    text = data.read_tensors(context, experiment_id="", plugin_name="text", downsample=1000)
    assert text["run"]["recipe"][0].numpy.item().decode().startswith("# Recipe")


def check_records(path):
    reader = PyRecordReader_New(str(path), 0, "", None)
    sizes = []
    while True:
        try:
            reader.GetNext()
        except Exception as error:  # the reader's OutOfRangeError marks the end
            assert "OutOfRange" in type(error).__name__, error
            break
        sizes.append(len(reader.record()))
    assert sizes == [0, 1, 7, 8, 1000, 300_000], sizes


with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    run_sample("WriteEvents", folder)
    check_multiplexer(folder)
    check_accumulator(folder)
    check_server(folder)
    run_sample("WriteRecords", folder)
    check_records(folder / "brisk.tfrecord")
print("scalars, text, histogram, image, graph, restart and records read by TensorBoard")
