#include "brisk/compress/rounding/cholesky.h"

// In one thread, so that sums have one order.
#define EIGEN_DONT_PARALLELIZE
#ifndef NDEBUG
// Unoptimised, the intrinsics it would use are refused: a hint of theirs is not constant then.
#define EIGEN_DONT_VECTORIZE
#endif
#include <eigen3/Eigen/Cholesky>

namespace brisk {

bool factor_cholesky(std::span<double> matrix, int64_t size) {
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::Map<Matrix> in_place(matrix.data(), size, size);
  const Eigen::LLT<Eigen::Ref<Matrix>> factor(in_place);
  return factor.info() == Eigen::Success && in_place.allFinite();
}

}  // namespace brisk
