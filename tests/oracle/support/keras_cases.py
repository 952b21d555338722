"""Small Keras models, one for each layer type and way to build: name -> function giving a model.

A case is skipped where its Keras lacks the layer. `kind` says how strictly outputs are compared:
"layer" or "network".
"""

import re

from this_keras import keras

Input, Model, Sequential, L = keras.Input, keras.Model, keras.Sequential, keras.layers
ops = getattr(keras, "ops", None)  # not in Keras 2
CASES = {}


def case(kind="layer", needs=None, name=None):
    def register(function):
        if needs is None or hasattr(L, needs):
            CASES[name or function.__name__] = (kind, function)
        return function
    return register


def layer(name, shape, make, kind="layer", needs=None, dtype=None):
    """One layer on one input."""
    @case(kind, needs, name)
    def build():
        x = Input(shape, dtype=dtype)
        return Model(x, make()(x))


# Core.
layer("dense", (7,), lambda: L.Dense(5, activation="relu"))
layer("dense_sequence", (4, 7), lambda: L.Dense(5, use_bias=False))
for activation in ("elu", "selu", "gelu", "silu", "softplus", "softsign", "sigmoid", "hard_sigmoid",
                   "tanh", "softmax", "log_softmax", "exponential", "relu6", "leaky_relu", "mish",
                   "hard_silu", "linear"):
    layer(f"activation_{activation}", (6,), lambda a=activation: L.Activation(a))
layer("einsum_dense", (4, 6), lambda: L.EinsumDense("abc,cd->abd", output_shape=(None, 8), bias_axes="d", activation="relu"))
layer("einsum_dense_heads", (4, 6), lambda: L.EinsumDense("abc,cde->abde", output_shape=(None, 2, 8), bias_axes="de"))
layer("einsum_dense_ellipsis", (4, 6), lambda: L.EinsumDense("...x,xy->...y", output_shape=8, bias_axes="y"))
layer("embedding", (5,), lambda: L.Embedding(11, 4), dtype="int32")
layer("identity", (5,), lambda: L.Identity(), needs="Identity")

# Convolutions.
layer("conv1d", (9, 3), lambda: L.Conv1D(4, 3, activation="relu"))
layer("conv1d_causal", (9, 3), lambda: L.Conv1D(4, 3, padding="causal", dilation_rate=2))
layer("conv2d_valid", (9, 8, 3), lambda: L.Conv2D(4, 3))
layer("conv2d_same_strides", (9, 8, 3), lambda: L.Conv2D(4, (3, 2), strides=2, padding="same", use_bias=False))
layer("conv2d_dilated", (9, 8, 3), lambda: L.Conv2D(4, 3, dilation_rate=2, padding="same"))
layer("conv2d_groups", (9, 8, 4), lambda: L.Conv2D(6, 3, groups=2))
layer("conv2d_channels_first", (3, 9, 8), lambda: L.Conv2D(4, 3, data_format="channels_first"))
layer("conv3d", (5, 6, 7, 2), lambda: L.Conv3D(3, 2, padding="same"))
layer("depthwise_conv1d", (9, 3), lambda: L.DepthwiseConv1D(3, depth_multiplier=2))
layer("depthwise_conv2d", (9, 8, 3), lambda: L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", strides=2))
layer("separable_conv1d", (9, 3), lambda: L.SeparableConv1D(5, 3, activation="relu"))
layer("separable_conv2d", (9, 8, 3), lambda: L.SeparableConv2D(5, 3, depth_multiplier=2, padding="same"))
layer("conv1d_transpose", (6, 3), lambda: L.Conv1DTranspose(4, 3, strides=2))
layer("conv2d_transpose_same", (6, 5, 3), lambda: L.Conv2DTranspose(4, 3, strides=2, padding="same"))
layer("conv2d_transpose_valid", (6, 5, 3), lambda: L.Conv2DTranspose(4, (2, 3), strides=(2, 1)))
layer("conv2d_transpose_wide_stride", (6, 5, 3), lambda: L.Conv2DTranspose(4, 2, strides=3))
layer("conv2d_transpose_output_padding", (6, 5, 3), lambda: L.Conv2DTranspose(4, 3, strides=2, padding="same", output_padding=1))
layer("conv2d_transpose_output_padding_valid", (6, 5, 3), lambda: L.Conv2DTranspose(4, 3, strides=2, output_padding=1))
layer("conv2d_transpose_dilated", (6, 5, 3), lambda: L.Conv2DTranspose(4, 3, dilation_rate=2))
layer("conv3d_transpose", (4, 3, 3, 2), lambda: L.Conv3DTranspose(3, 2, strides=2))

# Pooling.
layer("max_pooling1d", (9, 3), lambda: L.MaxPooling1D(2))
layer("max_pooling2d", (9, 8, 3), lambda: L.MaxPooling2D(2))
layer("max_pooling2d_same", (9, 8, 3), lambda: L.MaxPooling2D(3, strides=2, padding="same"))
layer("max_pooling3d", (5, 6, 7, 2), lambda: L.MaxPooling3D(2))
layer("average_pooling1d", (9, 3), lambda: L.AveragePooling1D(3, strides=1, padding="same"))
layer("average_pooling2d_same", (9, 8, 3), lambda: L.AveragePooling2D(3, strides=2, padding="same"))
layer("average_pooling2d_channels_first", (3, 9, 8), lambda: L.AveragePooling2D(2, data_format="channels_first"))
layer("average_pooling3d", (5, 6, 7, 2), lambda: L.AveragePooling3D(2))
for rank, shape in ((1, (5, 3)), (2, (5, 4, 3)), (3, (5, 4, 3, 2))):
    layer(f"global_max_pooling{rank}d", shape, lambda r=rank: getattr(L, f"GlobalMaxPooling{r}D")())
    layer(f"global_average_pooling{rank}d", shape, lambda r=rank: getattr(L, f"GlobalAveragePooling{r}D")(keepdims=True))

for rank, shape, size in ((1, (7, 3), (3,)), (2, (9, 8, 3), (4, 2)), (3, (5, 4, 6, 2), (2, 2, 4))):
    for pool in ("Average", "Max"):
        layer(f"adaptive_{pool.lower()}_pooling{rank}d", shape, lambda r=rank, p=pool, s=size: getattr(L, f"Adaptive{p}Pooling{r}D")(s),
              needs=f"Adaptive{pool}Pooling{rank}D")

# Shapes.
layer("zero_padding1d", (5, 3), lambda: L.ZeroPadding1D((1, 2)))
layer("zero_padding2d", (5, 4, 3), lambda: L.ZeroPadding2D(((1, 2), (0, 3))))
layer("zero_padding3d", (3, 4, 3, 2), lambda: L.ZeroPadding3D((1, 2, 0)))
layer("cropping1d", (6, 3), lambda: L.Cropping1D((1, 2)))
layer("cropping2d", (6, 7, 3), lambda: L.Cropping2D(((1, 2), (0, 3))))
layer("cropping3d", (5, 5, 5, 2), lambda: L.Cropping3D(1))
layer("up_sampling1d", (4, 3), lambda: L.UpSampling1D(3))
layer("up_sampling2d", (4, 3, 2), lambda: L.UpSampling2D((2, 3)))
layer("up_sampling2d_bilinear", (4, 3, 2), lambda: L.UpSampling2D(2, interpolation="bilinear"))
layer("up_sampling2d_bicubic", (4, 3, 2), lambda: L.UpSampling2D(2, interpolation="bicubic"))
layer("up_sampling3d", (2, 3, 2, 2), lambda: L.UpSampling3D(2))
layer("flatten", (4, 3, 2), lambda: L.Flatten())
layer("flatten_channels_first", (4, 3, 2), lambda: L.Flatten(data_format="channels_first"))
layer("reshape", (4, 6), lambda: L.Reshape((3, -1, 2)))
layer("permute", (4, 3, 2), lambda: L.Permute((3, 1, 2)))
layer("repeat_vector", (4,), lambda: L.RepeatVector(3))

# Activations.
layer("re_lu", (6,), lambda: L.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.2))
layer("re_lu6", (6,), lambda: L.ReLU(max_value=6))
layer("leaky_re_lu", (6,), lambda: L.LeakyReLU(negative_slope=0.2))
layer("p_re_lu", (5, 4, 3), lambda: L.PReLU(shared_axes=[1, 2]))
layer("elu", (6,), lambda: L.ELU(alpha=0.7))
layer("softmax", (5, 4), lambda: L.Softmax(axis=1))
layer("softmax_axes", (5, 4), lambda: L.Softmax(axis=[1, 2]))

# Normalisation.
layer("batch_normalization", (5, 4, 3), lambda: L.BatchNormalization())
layer("batch_normalization_axis", (3, 5, 4), lambda: L.BatchNormalization(axis=1, scale=False))
layer("layer_normalization", (5, 4), lambda: L.LayerNormalization())
layer("layer_normalization_axes", (5, 4, 3), lambda: L.LayerNormalization(axis=[2, 3], center=False))
layer("group_normalization", (5, 4, 6), lambda: L.GroupNormalization(groups=3))
layer("rms_normalization", (5, 4), lambda: L.RMSNormalization(), needs="RMSNormalization")
layer("unit_normalization", (5, 4), lambda: L.UnitNormalization())
layer("normalization_given", (4,), lambda: L.Normalization(mean=[1., 2., 3., 4.], variance=[1., .5, 2., 3.]))
layer("rescaling", (5, 4, 3), lambda: L.Rescaling(1 / 127.5, offset=-1))
layer("rescaling_channels", (5, 4, 3), lambda: L.Rescaling([0.5, 2.0, 1.0], offset=[0., 1., 2.]))


@case()
def normalization_adapted():
    import numpy as np
    normalize = L.Normalization()
    normalize.adapt(np.random.default_rng(3).normal(2, 3, (64, 4)).astype("float32"))
    x = Input((4,))
    return Model(x, L.Dense(2)(normalize(x)))


# Only training notices.
for name, make in {"dropout": lambda: L.Dropout(0.4), "spatial_dropout1d": lambda: L.SpatialDropout1D(0.4),
                   "gaussian_noise": lambda: L.GaussianNoise(0.3), "gaussian_dropout": lambda: L.GaussianDropout(0.3),
                   "alpha_dropout": lambda: L.AlphaDropout(0.3), "activity_regularization": lambda: L.ActivityRegularization(0.1)}.items():
    layer(name, (5, 4), make)
layer("spatial_dropout2d", (5, 4, 3), lambda: L.SpatialDropout2D(0.4))
layer("dropout_noise_shape", (5, 4), lambda: L.Dropout(0.4, noise_shape=(None, 1, 4)))

# Images.
for name in ("RandomFlip", "RandomRotation", "RandomZoom", "RandomContrast", "RandomBrightness", "RandomTranslation",
             "RandomCrop", "RandomHue", "RandomSaturation", "RandomShear", "RandomErasing", "RandomGrayscale",
             "RandomElasticTransform", "RandAugment", "AugMix"):
    # Of RandomShear(0.1, 0.1) Keras does not load its own file.
    arguments = {"RandomTranslation": (0.1, 0.1), "RandomCrop": (8, 8), "RandomShear": ((0.0, 0.1), (0.0, 0.1)),
                 **dict.fromkeys(("RandomFlip", "RandomErasing", "RandomGrayscale", "RandomElasticTransform", "RandAugment", "AugMix"), ()),
                 }.get(name, (0.2,))
    layer(re.sub("(?<!^)([A-Z])", r"_\1", name).lower(), (8, 8, 3), lambda n=name, a=arguments: getattr(L, n)(*a), needs=name)
layer("resizing", (9, 8, 3), lambda: L.Resizing(5, 6))
layer("resizing_up_nearest", (4, 5, 3), lambda: L.Resizing(9, 8, interpolation="nearest"))
layer("resizing_bicubic", (9, 8, 3), lambda: L.Resizing(12, 13, interpolation="bicubic"))
layer("resizing_crop", (9, 12, 3), lambda: L.Resizing(5, 5, crop_to_aspect_ratio=True))
layer("center_crop", (9, 8, 3), lambda: L.CenterCrop(5, 6))
layer("category_encoding", (3,), lambda: L.CategoryEncoding(6, output_mode="multi_hot"), dtype="int32")
layer("category_encoding_one_hot", (1,), lambda: L.CategoryEncoding(6, output_mode="one_hot"), dtype="int32")
layer("discretization", (3,), lambda: L.Discretization(bin_boundaries=[-1., 0., 0.5]))

# Recurrent layers.
for kind in ("SimpleRNN", "LSTM", "GRU"):
    snake = {"SimpleRNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru"}[kind]
    make = getattr(L, kind)
    layer(snake, (6, 3), lambda m=make: m(4))
    layer(f"{snake}_sequences", (6, 3), lambda m=make: m(4, return_sequences=True))
    layer(f"{snake}_backwards", (6, 3), lambda m=make: m(4, return_sequences=True, go_backwards=True))
    layer(f"{snake}_state", (6, 3), lambda m=make: m(4, return_sequences=True, return_state=True))
for rank, shape in ((1, (4, 6, 3)), (2, (3, 6, 5, 2)), (3, (3, 4, 5, 4, 2))):
    layer(f"conv_lstm{rank}d", shape, lambda r=rank: getattr(L, f"ConvLSTM{r}D")(4, 3, padding="same"))
layer("conv_lstm2d_sequences", (3, 7, 6, 2), lambda: L.ConvLSTM2D(4, (3, 2), strides=2, return_sequences=True, return_state=True))
layer("conv_lstm2d_backwards", (3, 7, 6, 2), lambda: L.ConvLSTM2D(
    4, 3, dilation_rate=2, return_sequences=True, go_backwards=True, use_bias=False, recurrent_dropout=0.2))
layer("conv_lstm2d_channels_first", (3, 2, 7, 6), lambda: L.ConvLSTM2D(4, 3, data_format="channels_first", return_sequences=True))
layer("lstm_relu_dropout", (6, 3), lambda: L.LSTM(4, activation="relu", use_bias=False, dropout=0.2, recurrent_dropout=0.3))
layer("gru_reset_before", (6, 3), lambda: L.GRU(4, reset_after=False))
layer("bidirectional_lstm", (6, 3), lambda: L.Bidirectional(L.LSTM(4)))
layer("bidirectional_gru_sum", (6, 3), lambda: L.Bidirectional(L.GRU(4, return_sequences=True), merge_mode="sum"))
layer("bidirectional_state", (6, 3), lambda: L.Bidirectional(L.LSTM(4, return_state=True)))
layer("bidirectional_backward_layer", (6, 3), lambda: L.Bidirectional(L.LSTM(4), backward_layer=L.LSTM(4, go_backwards=True, activation="relu")))
for cell in ("SimpleRNNCell", "LSTMCell", "GRUCell"):
    layer(f"rnn_{cell[:-4].lower()}", (6, 3), lambda c=cell: L.RNN(getattr(L, c)(4), return_sequences=True, return_state=True))
layer("rnn_backwards", (6, 3), lambda: L.RNN(L.GRUCell(4, reset_after=False), go_backwards=True))
layer("rnn_stacked", (6, 3), lambda: L.RNN([L.LSTMCell(4), L.GRUCell(5), L.LSTMCell(2)]))
layer("rnn_stacked_backwards", (6, 3), lambda: L.RNN(L.StackedRNNCells([L.SimpleRNNCell(4), L.SimpleRNNCell(3)]), return_sequences=True, go_backwards=True))
layer("bidirectional_rnn", (6, 3), lambda: L.Bidirectional(L.RNN(L.LSTMCell(4), return_sequences=True)))
layer("time_distributed_dense", (6, 3), lambda: L.TimeDistributed(L.Dense(4)))
layer("time_distributed_conv2d", (3, 6, 6, 2), lambda: L.TimeDistributed(L.Conv2D(4, 3)))


@case("network")
def embedding_rnn_masked():
    x = Input((7,), dtype="int32")
    return Model(x, L.Dense(2)(L.RNN(L.StackedRNNCells([L.LSTMCell(5), L.GRUCell(3)]))(L.Embedding(9, 4, mask_zero=True)(x))))


@case("network")
def masked_merge():
    a, b = Input((7,), dtype="int32"), Input((7, 4))
    x = L.Dense(4)(L.Embedding(5, 4, mask_zero=True)(a))
    y = L.Masking(0.)(b)
    z = L.Concatenate()([L.LSTM(5, return_sequences=True)(x), L.Add()([x, y])])
    return Model([a, b], [L.GlobalAveragePooling1D()(z), L.Bidirectional(L.GRU(3))(L.Dropout(0.2)(z))])


@case("network")
def masked_attention():
    a = Input((6,), dtype="int32")
    x = L.Embedding(4, 8, mask_zero=True)(a)
    y = L.LayerNormalization()(L.Add()([x, L.MultiHeadAttention(2, 4)(x, x)]))
    return Model(a, [L.GlobalAveragePooling1D()(y), L.LSTM(3)(L.Attention()([y, x]))])


if ops is None:
    @case("network")
    def tensorflow_functions():
        import tensorflow as tf
        x, y = Input((4, 6)), Input((4, 6))
        z = tf.concat([(2 - x + y) * 0.5, tf.nn.gelu(x)], axis=-1)
        part = z[:, 1:3, ::2]
        scores = tf.nn.softmax(tf.matmul(part, part, transpose_b=True) / 3)
        mean = tf.reduce_mean(tf.matmul(scores, part), axis=[1], keepdims=True)
        root = tf.nn.leaky_relu(mean, 0.3) / tf.sqrt(tf.abs(mean) + 1e-3)
        flat = tf.reshape(tf.transpose(part, [0, 2, 1]), (-1, 12))
        picked = tf.where(flat > 0, flat, -tf.cast(flat, tf.float32) ** 2)
        return Model([x, y], [tf.squeeze(root, 1), L.Dense(2)(picked), tf.expand_dims(z[:, :, 0], -1), 1 - tf.clip_by_value(x, -0.5, 0.5)])


@case("network", needs="ReversibleEmbedding")
def reversible_embedding():
    tied, own = L.ReversibleEmbedding(9, 4), L.ReversibleEmbedding(9, 4, tie_weights=False, logit_soft_cap=1.5)
    x = Input((7,), dtype="int32")
    return Model(x, [tied(L.Dense(4)(tied(x)), reverse=True), own(L.Dense(4)(own(x)), reverse=True)])


@case()
def lstm_initial_state():
    x, h, c = Input((6, 3)), Input((4,)), Input((4,))
    return Model([x, h, c], L.LSTM(4)(x, initial_state=[h, c]))


@case("network")
def encoder_decoder():
    source, target = Input((5, 3), name="source"), Input((4, 3), name="target")
    _, h, c = L.LSTM(6, return_state=True)(source)
    y = L.LSTM(6, return_sequences=True)(target, initial_state=[h, c])
    return Model([source, target], L.TimeDistributed(L.Dense(2, activation="softmax"))(y))


@case("network")
def embedding_lstm_masked():
    x = Input((7,), dtype="int32")
    return Model(x, L.Dense(2)(L.LSTM(5)(L.Embedding(9, 4, mask_zero=True)(x))))


@case("network")
def sequential_masked_gru():
    return Sequential([Input((7,), dtype="int32"), L.Embedding(9, 4, mask_zero=True),
                       L.GRU(5, return_sequences=True), L.Dropout(0.2), L.LSTM(3), L.Dense(2)])


@case("network")
def masking_rnn():
    return Sequential([Input((5, 3)), L.Masking(0.), L.SimpleRNN(4), L.Dense(2)])


# Attention.
@case()
def attention():
    q, v = Input((4, 6)), Input((5, 6))
    return Model([q, v], L.Attention()([q, v]))


@case()
def attention_scaled_causal():
    q, v, k = Input((5, 6)), Input((5, 6)), Input((5, 6))
    return Model([q, v, k], L.Attention(use_scale=True)([q, v, k], use_causal_mask=True))


@case()
def attention_concat():
    q, v = Input((4, 6)), Input((5, 6))
    return Model([q, v], L.Attention(score_mode="concat", use_scale=True)([q, v]))


@case()
def additive_attention():
    q, v = Input((4, 6)), Input((5, 6))
    return Model([q, v], L.AdditiveAttention()([q, v]))


@case()
def multi_head_attention():
    x = Input((5, 6))
    return Model(x, L.MultiHeadAttention(2, 4)(x, x))


@case()
def multi_head_attention_cross():
    q, v = Input((4, 6)), Input((5, 3))
    y, scores = L.MultiHeadAttention(2, 4, value_dim=3, output_shape=7, use_bias=False)(q, v, return_attention_scores=True)
    return Model([q, v], [y, scores])


@case()
def multi_head_attention_masked():
    x, m = Input((5, 6)), Input((5, 5), dtype="bool")
    return Model([x, m], L.MultiHeadAttention(2, 4)(x, x, attention_mask=m, use_causal_mask=True))


@case()
def multi_head_attention_images():
    x = Input((4, 3, 6))
    return Model(x, L.MultiHeadAttention(2, 4)(x, x))


@case(needs="GroupQueryAttention")
def group_query_attention():
    x = Input((5, 8))
    return Model(x, L.GroupQueryAttention(4, 4, 2)(x, x))


# Several inputs.
for name in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
    @case(name=name.lower())
    def merged(n=name):
        a, b = Input((4, 3)), Input((4, 3))
        return Model([a, b], getattr(L, n)()([a, b]))


@case()
def add_broadcast():
    a, b = Input((4, 3)), Input((1, 3))
    return Model([a, b], L.Add()([a, b]))


@case()
def concatenate_axis():
    a, b = Input((4, 3)), Input((2, 3))
    return Model([a, b], L.Concatenate(axis=1)([a, b]))


@case()
def dot_normalized():
    a, b = Input((4, 3)), Input((5, 3))
    return Model([a, b], L.Dot(axes=2, normalize=True)([a, b]))


@case()
def dot_vectors():
    a, b = Input((3,)), Input((3,))
    return Model([a, b], L.Dot(axes=1)([a, b]))


# Ways to build.
@case("network")
def sequential_mlp():
    return Sequential([Input((8,)), L.Dense(16, activation="relu"), L.Dropout(0.3), L.Dense(3, activation="softmax")])


@case("network")
def sequential_cnn():
    return Sequential([Input((28, 28, 1)), L.Conv2D(8, 3, activation="relu"), L.MaxPooling2D(), L.Conv2D(16, 3),
                       L.BatchNormalization(), L.ReLU(), L.GlobalAveragePooling2D(), L.Dense(10)])


@case("network")
def residual():
    x = Input((16, 16, 3))
    y = L.Conv2D(8, 3, padding="same")(x)
    z = L.BatchNormalization()(L.Conv2D(8, 3, padding="same", activation="relu")(y))
    y = L.Activation("relu")(L.Add()([y, z]))
    return Model(x, L.Dense(4, activation="softmax")(L.GlobalAveragePooling2D()(y)))


@case("network")
def shared_layers():
    shared = L.Dense(5, activation="tanh")
    a, b = Input((4,)), Input((4,))
    return Model([a, b], L.Concatenate()([shared(a), shared(b), shared(L.Add()([a, b]))]))


@case("network")
def nested_models():
    inner = Sequential([Input((4,)), L.Dense(5, activation="relu"), L.Dense(3)], name="inner")
    x = Input((6, 4))
    a = Input((4,))
    middle = Model(a, L.Add()([L.Dense(3)(a), inner(a)]), name="middle")
    y = Input((4,))
    return Model([y], L.Dense(2)(L.Concatenate()([middle(y), inner(y)])))


@case("network")
def nested_cnn():
    base_in = Input((12, 12, 3))
    base = Model(base_in, L.GlobalAveragePooling2D()(L.Conv2D(6, 3, activation="relu")(L.BatchNormalization()(base_in))), name="base")
    base.trainable = False
    x = Input((12, 12, 3))
    return Model(x, L.Dense(2)(base(L.Rescaling(1 / 255.)(x))))


@case("network")
def time_distributed_model():
    inner = Sequential([Input((8, 8, 2)), L.Conv2D(3, 3), L.Flatten(), L.Dense(4)])
    x = Input((3, 8, 8, 2))
    return Model(x, L.LSTM(3)(L.TimeDistributed(inner)(x)))


@case("network")
def dictionary_outputs():
    a, b = Input((4,), name="left"), Input((3,), name="right")
    y = L.Concatenate()([L.Dense(4)(a), L.Dense(4)(b)])
    return Model({"left": a, "right": b}, {"score": L.Dense(1, name="s")(y), "kind": L.Dense(3, activation="softmax", name="k")(y)})


@case("network")
def weights_in_other_order():
    """Names and order of layers that contradict the order in the weight file."""
    x = Input((4,))
    p = L.Dense(4, name="dense_9")(x)
    q = L.Dense(4, name="dense_1")(p)
    r = L.Dense(4, name="dense_5")(x)
    return Model(x, L.Concatenate()([r, q]))


@case("network")
def transformer_block():
    x = Input((6, 8))
    y = L.LayerNormalization()(x + L.MultiHeadAttention(2, 4)(x, x))
    z = L.Dense(8)(L.Dropout(0.1)(L.Dense(16, activation="gelu")(y)))
    return Model(x, L.LayerNormalization(epsilon=1e-6)(y + z))


# Functions of keras.ops.
@case("network")
def operators():
    x = Input((4, 3))
    y = (x * 2.0 + 1.0) / (ops.abs(x) + 0.5) - x
    return Model(x, [y, -y, y ** 2, 1.0 - y, y[:, 1], y[:, ::2, -1], y[:, None, 1:3]])


@case("network")
def functions_elementwise():
    x = Input((4, 3))
    y = ops.sigmoid(ops.exp(ops.clip(x, -1.0, 1.0))) + ops.sqrt(ops.square(x)) + ops.log(ops.abs(x) + 1.0)
    y = ops.where(ops.greater(y, 0.5), y, ops.zeros_like(y))
    return Model(x, [ops.relu(y), ops.softmax(y, axis=1), ops.maximum(y, x), ops.tanh(x), ops.gelu(x), ops.silu(x)])


@case("network")
def functions_reduce():
    x = Input((4, 3))
    return Model(x, [ops.mean(x, axis=1), ops.sum(x, axis=[1, 2]), ops.max(x, axis=-1, keepdims=True), ops.var(x, axis=1),
                     ops.logsumexp(x, axis=-1), ops.argmax(x, axis=1)])


@case("network")
def functions_shape():
    x = Input((4, 6))
    a, b = ops.split(x, 2, axis=-1)
    return Model(x, [ops.reshape(x, (-1, 6, 4)), ops.transpose(x, (0, 2, 1)), ops.expand_dims(x, 1), ops.concatenate([a, b], axis=1),
                     ops.stack([a, b], axis=1), ops.pad(x, [[0, 0], [1, 2], [0, 0]]), ops.flip(x, axis=1), ops.repeat(x, 2, axis=1),
                     ops.matmul(x, ops.transpose(x, (0, 2, 1))), ops.cast(x, "float32"), ops.squeeze(ops.expand_dims(x, 1), 1),
                     ops.take(x, [2, 0], axis=1), ops.roll(x, 1, axis=1), ops.tile(x, (1, 2, 1))])


@case("network")
def functions_contract():
    x = Input((4, 6))
    y = ops.reshape(x, (-1, 4, 2, 3))
    return Model(x, [ops.einsum("bqd,bkd->bqk", x, x), ops.einsum("bqhd,bkhd->bhqk", y, y), ops.einsum("...ij,...kj->...ik", y, y),
                     ops.einsum("bqd,bkd->bq", x, x), ops.dot(x, ops.ones((6, 2)))])


APPLICATIONS = {
    "VGG16": (64, 64), "VGG19": (64, 64), "ResNet50": (64, 64), "ResNet101": (64, 64), "ResNet152": (64, 64),
    "ResNet50V2": (64, 64), "ResNet101V2": (64, 64), "ResNet152V2": (64, 64), "MobileNet": (64, 64), "MobileNetV2": (64, 64),
    "MobileNetV3Small": (64, 64), "MobileNetV3Large": (64, 64), "DenseNet121": (64, 64), "DenseNet169": (64, 64),
    "DenseNet201": (64, 64), "InceptionV3": (96, 96), "InceptionResNetV2": (96, 96), "Xception": (96, 96), "NASNetMobile": (224, 224),
    "NASNetLarge": (331, 331),
    **{f"EfficientNetB{i}": (64, 64) for i in range(8)},
    **{f"EfficientNetV2{s}": (64, 64) for s in ("B0", "B1", "B2", "B3", "S", "M", "L")},
    **{f"ConvNeXt{s}": (64, 64) for s in ("Tiny", "Small", "Base", "Large", "XLarge")},
}


def application(name):
    size = APPLICATIONS[name]
    return getattr(keras.applications, name)(weights=None, input_shape=(*size, 3), classes=10)
