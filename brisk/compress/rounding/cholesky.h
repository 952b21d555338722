#pragma once

/// The Cholesky factor of a symmetric positive definite matrix.

#include <cstdint>
#include <span>

namespace brisk {

/// `matrix` [size, size], of which the lower triangle is read, becomes L with L L^T = matrix; what
/// is above the diagonal is left as it is. False where the matrix is not positive definite; it is
/// then of no use.
bool factor_cholesky(std::span<double> matrix, int64_t size);

}  // namespace brisk
