#pragma once

/// The product of a 1x1 convolution or of its input gradient, with what follows it in one kernel:
///
///   p = a0 b0^T [+ a1 b1^T]        [rows, columns], by tensor cores, summed in f32
///   y0 = epilogue(p, other operands), of the operands' type; f32 is rounded to TF32 for p
///   y1, ... = sums over rows of what the epilogue names, f32 [columns]
///
/// Such products are small beside the tensors that an epilogue reads and writes: the kernel is made
/// to keep memory busy. Sums are deterministic: each block leaves a partial result, the last of a
/// column of blocks combines them in order. There are two forms, for Hopper
/// (warpgroup_product.h) and for every device that brisk runs on.

#include <string>
#include <vector>

#include "brisk/backends/cuda/kernel.h"
#include "brisk/backends/cuda/tensor_map.h"
#include "brisk/ops/fused/fused.h"

namespace brisk::cuda {

struct PointwiseProduct {
  struct Term {
    size_t a = 0, b = 0;  ///< operands: [rows, depth] and [columns, depth]
    int64_t depth = 0;    ///< a multiple of 64, of f32 of 32
    /// Where `a` is images of more places than there are rows: which it reads.
    std::optional<SteppedImages> places = {};
  };
  std::string name;
  DType type = DType::f16;  ///< of the terms and of y0
  int64_t rows = 0, columns = 0;
  std::vector<Term> terms;
  /// Operands of the result's shape that the epilogue reads, under these names.
  struct Image {
    size_t operand = 0;
    std::string name;
    /// Where the operand has fewer rows: of each axis of the rows but the first, its extent and how
    /// many places lie from one that the operand has to the next. Zeros between.
    struct Axis {
      int64_t extent = 1, step = 1;
    };
    std::vector<Axis> axes = {};
  };
  std::vector<Image> images;
  /// Operands [columns] under these names.
  struct Vector {
    size_t operand = 0;
    std::string name;
    DType type = DType::f32;
  };
  std::vector<Vector> vectors;
  /// Statements for one element: sets `result` from `product` (f32), the images' elements and the
  /// vectors', all by name; it is rounded when it is stored.
  std::string epilogue;
  /// What is summed into y1, y2, ...: expressions of `summed`, the result before it is
  /// rounded, and the operands.
  std::vector<std::string> sums;

  int64_t depth() const;  ///< of all terms
  double flops() const;
};

/// Why no form of the kernel can run such a product on the device; nothing when one can.
std::optional<std::string> refuse_pointwise_product(const PointwiseProduct& product,
                                                    const DeviceProperties& device);

/// Operations for each byte of memory up to which the kernel is faster than the library's product
/// with passes over memory for the rest.
double most_intensity(const PointwiseProduct& product, const DeviceProperties& device);

/// Where a node of `operands`, whose first result is the product's, does more operations for each
/// byte of memory than `most`.
std::optional<std::string> refuse_intensity(const PointwiseProduct& product, const Node& node,
                                            std::span<const Type> operands, double most);

std::unique_ptr<Launch> make_pointwise_product(const PointwiseProduct& product,
                                               const KernelRequest& request,
                                               const PrepareContext& context);

/// What a convolution of `strides` without padding reads of images; fails where no copy of Hopper's
/// gathers that.
Result<SteppedImages> places_read(const Shape& images, const std::vector<int64_t>& strides);

/// Of an epilogue, whose sum of all terms is `sum`: sets `result` to its activation; a NaN stays
/// one. Fails where there is none for it.
Result<std::string> activated_sum(Activation activation);

/// "NAME/ROWSxCOLUMNSxDEPTH".
std::string pointwise_product_name(const PointwiseProduct& product);

}  // namespace brisk::cuda
