#pragma once

/// The distinct convolutions of ResNet-50 v1.5 at 224 x 224 pixels, by their place in a block.

#include <vector>

#include "brisk/backends/cuda/cudnn/convolution_problem.h"

namespace brisk::cuda::testing {

enum class Role : uint8_t {
  stem,
  reduce,   ///< the first 1x1 of a block, behind a join
  spatial,  ///< its 3x3
  expand,   ///< its last 1x1
  project,  ///< the 1x1 of the shortcut
};

struct Layer {
  const char* name;
  Role role;
  int64_t channels, extent, filters, kernel, stride;
  int count;  ///< in the network
};

inline const std::vector<Layer>& resnet50_layers() {
  static const std::vector<Layer> layers = {
      {"stem", Role::stem, 3, 224, 64, 7, 2, 1},
      {"conv2_1_reduce", Role::reduce, 64, 56, 64, 1, 1, 1},
      {"conv2_reduce", Role::reduce, 256, 56, 64, 1, 1, 2},
      {"conv2_spatial", Role::spatial, 64, 56, 64, 3, 1, 3},
      {"conv2_expand", Role::expand, 64, 56, 256, 1, 1, 3},
      {"conv2_project", Role::project, 64, 56, 256, 1, 1, 1},
      {"conv3_1_reduce", Role::reduce, 256, 56, 128, 1, 1, 1},
      {"conv3_1_spatial", Role::spatial, 128, 56, 128, 3, 2, 1},
      {"conv3_reduce", Role::reduce, 512, 28, 128, 1, 1, 3},
      {"conv3_spatial", Role::spatial, 128, 28, 128, 3, 1, 3},
      {"conv3_expand", Role::expand, 128, 28, 512, 1, 1, 4},
      {"conv3_project", Role::project, 256, 56, 512, 1, 2, 1},
      {"conv4_1_reduce", Role::reduce, 512, 28, 256, 1, 1, 1},
      {"conv4_1_spatial", Role::spatial, 256, 28, 256, 3, 2, 1},
      {"conv4_reduce", Role::reduce, 1024, 14, 256, 1, 1, 5},
      {"conv4_spatial", Role::spatial, 256, 14, 256, 3, 1, 5},
      {"conv4_expand", Role::expand, 256, 14, 1024, 1, 1, 6},
      {"conv4_project", Role::project, 512, 28, 1024, 1, 2, 1},
      {"conv5_1_reduce", Role::reduce, 1024, 14, 512, 1, 1, 1},
      {"conv5_1_spatial", Role::spatial, 512, 14, 512, 3, 2, 1},
      {"conv5_reduce", Role::reduce, 2048, 7, 512, 1, 1, 2},
      {"conv5_spatial", Role::spatial, 512, 7, 512, 3, 1, 2},
      {"conv5_expand", Role::expand, 512, 7, 2048, 1, 1, 3},
      {"conv5_project", Role::project, 1024, 14, 2048, 1, 2, 1},
  };
  return layers;
}

inline cudnn::ConvolutionProblem problem_of(const Layer& layer, DType type, int64_t batch) {
  const int64_t pad = layer.kernel / 2, out = (layer.extent - 1) / layer.stride + 1;
  const ConvolutionAttributes attributes{
      {layer.stride, layer.stride}, {pad, pad}, {pad, pad}, {1, 1}, 1};
  return cudnn::convolution_problem(
             Type(type, {batch, layer.extent, layer.extent, layer.channels}),
             Type(type, {layer.kernel, layer.kernel, layer.channels, layer.filters}),
             Type(type, {batch, out, out, layer.filters}), attributes)
      .value();
}

}  // namespace brisk::cuda::testing
