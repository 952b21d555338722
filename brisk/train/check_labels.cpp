#include "brisk/train/check_labels.h"

#include <algorithm>

#include "brisk/base/error.h"

namespace brisk {

void check_labels(const Tensor& labels, int64_t num_classes, const std::string& model) {
  const auto values = labels.data<int32_t>();
  const auto wrong = std::find_if(values.begin(), values.end(),
                                  [&](int32_t label) { return label < 0 || label >= num_classes; });
  require(wrong == values.end(),
          "example {} of a batch has the label {}, but model '{}' has the classes 0 to {}",
          wrong - values.begin(), wrong == values.end() ? 0 : *wrong, model, num_classes - 1);
}

}  // namespace brisk
