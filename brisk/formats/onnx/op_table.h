#pragma once

/// The importers: one row an ONNX op and the opset since which it is meant. A node takes the row
/// of the highest version that is not above its model's.

#include <span>
#include <string_view>
#include <vector>

#include "brisk/formats/onnx/call.h"

namespace brisk::onnx {

inline constexpr std::string_view kMl = "ai.onnx.ml", kTraining = "ai.onnx.preview.training",
                                  kPreview = "ai.onnx.preview";

struct OpRow {
  std::string_view op;
  Importer importer;
  int64_t since = 1;
  std::string_view domain = "";
  /// The outputs are computed on the host from known inputs: only in stages.
  bool host = false;
};

// One list a family; a family is a file of brisk/formats/onnx/ops.
std::span<const OpRow> activation_ops();
std::span<const OpRow> attention_ops();
std::span<const OpRow> cast_ops();
std::span<const OpRow> control_ops();
std::span<const OpRow> convolution_ops();
std::span<const OpRow> elementwise_ops();
std::span<const OpRow> image_ops();
std::span<const OpRow> index_ops();
std::span<const OpRow> integer_product_ops();
std::span<const OpRow> loss_ops();
std::span<const OpRow> matmul_ops();
std::span<const OpRow> move_ops();
std::span<const OpRow> normalization_ops();
std::span<const OpRow> pool_ops();
std::span<const OpRow> quantization_ops();
std::span<const OpRow> random_ops();
std::span<const OpRow> recurrent_ops();
std::span<const OpRow> reduce_ops();
std::span<const OpRow> sampling_ops();
std::span<const OpRow> scatter_ops();
std::span<const OpRow> selection_ops();
std::span<const OpRow> sequence_ops();
std::span<const OpRow> shape_ops();
std::span<const OpRow> signal_ops();
std::span<const OpRow> text_ops();
std::span<const OpRow> training_ops();
std::span<const OpRow> tree_ops();
std::span<const OpRow> sliding_ops();

/// nullptr when there is none.
const OpRow* find_op(std::string_view domain, std::string_view op, int64_t opset);
/// All rows, for the documents.
std::vector<const OpRow*> all_ops();

}  // namespace brisk::onnx
