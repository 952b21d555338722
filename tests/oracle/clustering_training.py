"""What TensorFlow's Model Optimization Toolkit clusters: tests/compress/tfmot_clustering.json.

usage: clustering_training.py [--out FILE]   (needs tensorflow-model-optimization, tf_keras and tensorflow)

* centroids: weights, an initialiser, and the centroids that TFMOT begins with.
* training: a dense network under cluster_weights, from its first weights to the centroids, the weights
  beneath and the clustered weights at the end of every epoch.
"""

import argparse
import json
import os
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tensorflow_model_optimization as tfmot  # noqa: E402
import tf_keras as keras  # noqa: E402
from pruning_masks import numbers  # noqa: E402
from tensorflow_model_optimization.python.core.clustering.keras import cluster_config, clustering_centroids  # noqa: E402

INIT = tfmot.clustering.keras.CentroidInitialization
AGGREGATION = cluster_config.GradientAggregation
EPOCHS, STEPS_PER_EPOCH, BATCH = 3, 8, 8


def centroid_case(name, weights, init, clusters, preserve_sparsity):
    make = clustering_centroids.CentroidsInitializerFactory.get_centroid_initializer(init)
    centroids = make(weights, clusters, False, "channels_last", preserve_sparsity).get_cluster_centroids()
    return {"name": name, "sizes": list(weights.shape), "weights": numbers(weights), "init": init.name.lower(),
            "clusters": clusters, "preserve_sparsity": preserve_sparsity, "centroids": numbers(centroids)}


def centroid_cases(random):
    weights = tf.constant(random.normal(size=(12, 9)).astype(np.float32))
    sparse = tf.constant((random.normal(size=(12, 9)) * (random.random(size=(12, 9)) < 0.4)).astype(np.float32))
    return [centroid_case("linear", weights, INIT.LINEAR, 7, False),
            centroid_case("density", weights, INIT.DENSITY_BASED, 8, False),
            centroid_case("sparse_linear", sparse, INIT.LINEAR, 9, True),
            centroid_case("sparse_density", sparse, INIT.DENSITY_BASED, 6, True)]


def training_case(random, name, init, aggregation, preserve_sparsity):
    clusters = 5
    features = random.normal(size=(STEPS_PER_EPOCH * BATCH, 12)).astype(np.float32)
    labels = random.integers(0, 5, size=len(features)).astype(np.int32)
    layers = [keras.layers.Dense(16, activation="tanh", name="hidden", input_shape=(12,)),
              keras.layers.Dense(5, name="logits")]
    keras.Sequential(layers).build((None, 12))
    first = {}
    for layer in layers:
        kernel, bias = [random.normal(scale=0.5, size=w.shape).astype(np.float32) for w in layer.get_weights()]
        if preserve_sparsity:
            kernel *= random.random(size=kernel.shape) < 0.5
        layer.set_weights([kernel, bias])
        first[layer.name] = {"kernel": numbers(kernel), "bias": numbers(bias)}
    model = tfmot.clustering.keras.cluster_weights(
        keras.Sequential(layers), number_of_clusters=clusters, cluster_centroids_init=init,
        preserve_sparsity=preserve_sparsity, cluster_gradient_aggregation=aggregation)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9),
                  keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    epochs = []

    def record(*_):
        state = {}
        for wrapper in model.layers:
            wrapper.update_clustered_weights_associations()
            state[wrapper.layer.name] = {
                "centroids": numbers(wrapper.cluster_centroids["kernel"].numpy()),
                "beneath": numbers(wrapper.original_clusterable_weights["kernel"].numpy()),
                "kernel": numbers(wrapper.layer.kernel),
                "bias": numbers(wrapper.layer.bias.numpy())}
        epochs.append(state)

    model.fit(features, labels, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0,
              callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=record)])
    return {"name": name, "init": init.name.lower(), "aggregation": aggregation.name.lower(), "clusters": clusters,
            "preserve_sparsity": preserve_sparsity, "batch": BATCH, "epochs": EPOCHS, "features": numbers(features),
            "labels": [int(x) for x in labels], "first": first, "after_epoch": epochs}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path,
                        default=Path(__file__).resolve().parents[1] / "compress/tfmot_clustering.json")
    options = parser.parse_args()
    random = np.random.default_rng(11)
    result = {"tensorflow": tf.__version__, "tfmot": tfmot.__version__, "centroids": centroid_cases(random),
              "training": [training_case(random, "sum", INIT.LINEAR, AGGREGATION.SUM, False),
                           training_case(random, "average", INIT.DENSITY_BASED, AGGREGATION.AVG, False),
                           training_case(random, "sparse", INIT.LINEAR, AGGREGATION.SUM, True)]}
    options.out.write_text(json.dumps(result, separators=(",", ":")) + "\n")
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
