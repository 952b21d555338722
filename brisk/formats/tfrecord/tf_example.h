#pragma once

/// tf.train.Example, the message that TFRecord files usually hold: features by name, each a list of
/// byte strings, of floats or of integers. (tensorflow/core/example/example.proto, feature.proto.)

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "brisk/base/error.h"

namespace brisk {

/// The views point into the record that was parsed, or at what the caller serialises.
using TfFeature =
    std::variant<std::vector<std::string_view>, std::vector<float>, std::vector<int64_t>>;
using TfExample = std::map<std::string, TfFeature, std::less<>>;

/// Reads one serialised Example, lists packed or not; a feature without any list is left out, as
/// TensorFlow takes it for missing. Fails where the record is not such a message.
Result<TfExample> parse_tf_example(std::string_view record);

/// One serialised Example, features in the order of their names.
std::string serialize_tf_example(const TfExample& example);

/// "bytes", "float" or "int64".
std::string_view kind_of(const TfFeature& feature);

}  // namespace brisk
