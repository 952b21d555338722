#pragma once

/// A model in another floating type, whole: parameters, statistics, constants and everything that is
/// computed. What `Precision::float64` trains.

#include "brisk/passes/pass.h"

namespace brisk {

/// Every tensor of type `from` becomes `to`: state entries and their updates, constants, casts and
/// results. Batch inputs keep their type and are cast where they enter, so that the same data feeds
/// both programs. Refused unless both types are floating.
Program change_precision(Program program, DType from, DType to);

}  // namespace brisk
