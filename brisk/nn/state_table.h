#pragma once

/// The state that one region has asked for, by name, each as it stands after the updates so far.

#include <optional>
#include <string>
#include <vector>

#include "brisk/nn/layer.h"

namespace brisk {

class StateTable {
 public:
  struct Row {
    std::string name;
    Value input;    ///< as it comes in
    Value current;  ///< after the updates so far
  };
  /// The entry of that name as it stands; refused when its type is not `type`.
  std::optional<Value> find(const std::string& name, const Type& type) const;
  Value add(std::string name, Value value);
  void update(Value state, Value new_value);
  const std::vector<Row>& rows() const { return rows_; }

 private:
  std::vector<Row> rows_;
};

}  // namespace brisk
