#pragma once

/// Architectures by name. Outputs are logits, f32[batch, classes]; weights are not initialised.

#include <string>
#include <vector>

#include "brisk/nn/model.h"

namespace brisk::zoo {

struct MlpOptions {
  std::vector<int64_t> input = {28, 28, 1};
  std::vector<int64_t> hidden = {128};
  int64_t classes = 10;
  double dropout = 0;
};
/// Flatten, Dense + ReLU for each hidden width, Dense.
Model mlp(const MlpOptions& options = {});

struct CnnOptions {
  std::vector<int64_t> input = {28, 28, 1};
  int64_t classes = 10;
  double dropout = 0.5;
};
/// Keras's example for MNIST: two 3x3 convolutions (32, 64) with ReLU and 2x2 max pooling, dropout,
/// Dense.
Model small_cnn(const CnnOptions& options = {});

struct AirbenchOptions {
  std::vector<int64_t> input = {32, 32, 3};  ///< at least 8 by 8
  int64_t classes = 10;
};
/// A plain network for small images that trains in a few epochs: after Jordan, "94% on CIFAR-10 in
/// 3.29 Seconds on a Single GPU" (2024), and the networks of Page's DAWNBench entries before it. A
/// 3x3 convolution, three times two more of which the first is pooled, maxima over places, Dense.
Model airbench(const AirbenchOptions& options = {});

struct ResNetOptions {
  std::vector<int64_t> input = {224, 224, 3};
  int64_t classes = 1000;
  bool small_stem = false;  ///< 3x3 stride 1 without pooling, for images of 32 pixels
  /// [height, width] that images become first, within the model (Resizing, bilinear); empty: as
  /// they come.
  std::vector<int64_t> resize = {};
};
/// ResNet v1.5 (He et al. 2015; stride in the 3x3 convolution). BatchNorm momentum 0.9, epsilon
/// 1e-5.
Model resnet18(const ResNetOptions& options = {});
Model resnet50(const ResNetOptions& options = {});

struct MobileNetOptions {
  std::vector<int64_t> input = {224, 224, 3};
  int64_t classes = 1000;
  /// The first convolution and the first stage that halves keep their images' size, for images of
  /// 32 pixels.
  bool small_stem = false;
};
/// MobileNet v2 (Sandler et al. 2018), 3.5 million parameters, layers named as Keras's. BatchNorm
/// momentum 0.9 (Keras's 0.999 is for trainings of weeks), epsilon 1e-3.
Model mobilenet_v2(const MobileNetOptions& options = {});

struct Gpt2Options {
  int64_t steps = 1024;
  /// GPT-2's 50,257 tokens and 47 that stand for nothing: products of a multiple of 64 are faster.
  int64_t vocabulary = 50304;
  int64_t layers = 12, width = 768, heads = 12;
  double dropout = 0;
};
/// GPT-2 (Radford et al. 2019), 124 million parameters: "token_ids" i32[batch, steps] to logits
/// [batch, steps, vocabulary] of each next token.
Model gpt2(const Gpt2Options& options = {});

struct BertOptions {
  int64_t steps = 128, vocabulary = 30522, positions = 512;
  int64_t layers = 12, width = 768, heads = 12;
  int64_t classes = 2;
  double dropout = 0.1;
};
/// BERT base (Devlin et al. 2018) as a classifier of sequences: "token_ids" and "segment_ids",
/// i32[batch, steps], to logits [batch, classes] through the pooled first step.
Model bert_base(const BertOptions& options = {});

/// By name ("mlp", "small_cnn", "airbench", "resnet18", "resnet50", "mobilenet_v2", "gpt2",
/// "bert_base"); refused with the nearest known name. `input`: of an image [height, width,
/// channels]; of text [steps]. `classes`: gpt2's vocabulary. `dropout` in [0, 1) replaces the
/// architecture's own rate; negative: that one; refused where the architecture has no dropout.
/// `resize`: of the residual networks, as in ResNetOptions; refused for the others.
Model by_name(const std::string& name, const std::vector<int64_t>& input, int64_t classes,
              double dropout = -1, const std::vector<int64_t>& resize = {});
/// The same with the sizes that the architecture is known by; `steps`, when positive, instead of
/// its own, refused where the input is no text.
Model by_name(const std::string& name, int64_t steps = 0);
std::vector<std::string> names();

}  // namespace brisk::zoo
