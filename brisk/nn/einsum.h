#pragma once

/// Einstein's sums of two operands: "bqd,bkd->bqk".

#include <string>

#include "brisk/ir/builder.h"

namespace brisk {

struct EinsumLetters {
  std::string left, right, output;  ///< an axis a letter; each at most once in a part
};
/// The parts of an equation, "..." written out with characters of its own: the leading axes that
/// the equation does not name. A right_rank of -1: as many axes as the right part has letters.
EinsumLetters einsum_letters(const std::string& equation, int64_t left_rank,
                             int64_t right_rank = -1);
Value einsum(Value left, Value right, const EinsumLetters& letters);

}  // namespace brisk
