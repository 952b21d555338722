#pragma once

/// What `brisk quantize` writes integers from, in whichever form was asked for.

#include <optional>

#include "brisk/cli/quantize_options.h"
#include "brisk/compress/bias_correction.h"
#include "brisk/compress/quantize_model.h"
#include "brisk/data/dataset.h"

namespace brisk::cli {

struct QuantizeSource {
  Model folded;
  ValueRanges ranges;  ///< empty where none are found on data
  ChannelMeans means;  ///< empty without bias correction
};

/// Of `model`, with what the options ask to find on `data`.
QuantizeSource quantize_source(const Model& model, const std::optional<Dataset>& data,
                               const QuantizeVerbOptions& options);

/// The model in integers but for `float_layers`.
QuantizedModel write_integers(const QuantizeSource& source, const QuantizeVerbOptions& options,
                              const std::set<std::string, std::less<>>& float_layers);

}  // namespace brisk::cli
