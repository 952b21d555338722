#pragma once

/// The door to yaml-cpp: a text as a tree whose every field is asked for once and checked.
///
///     FieldReader fields(node, "optimizer");
///     fields.read("name", name);
///     fields.read("learning_rate", rate, 0, 1e6);
///     fields.finish();   // refuses what was not asked for
///
/// Refusals are UserErrors that begin with "line L, column C: ".

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/base/error.h"

namespace brisk::yaml {

/// One document, without anchors, aliases and tags, nested at most 50 deep; else refused.
YAML::Node parse(const std::string& text);

/// "line 3, column 7: ".
std::string place(const YAML::Node& node);

/// The text of a scalar; `field` and `wanted` are for the refusal.
std::string text_of(const YAML::Node& node, const std::string& field,
                    std::string_view wanted = "a text");

/// Refused with the nearest known name unless `name` is one of `known`.
void require_known(const YAML::Node& node, std::string_view what, const std::string& name,
                   std::span<const std::string> known);

class FieldReader {
 public:
  /// `name` is "optimizer", "data.train"; empty for the whole document.
  FieldReader(const YAML::Node& node, std::string name);

  /// The field's node, or an undefined one.
  YAML::Node find(const std::string& field);

  /// Each leaves `value` as it is where the field is absent.
  void read(const std::string& field, std::string& value);
  void read(const std::string& field, bool& value);
  void read(const std::string& field, double& value, double least, double most);
  void read(const std::string& field, int64_t& value, int64_t least,
            int64_t most = int64_t{1} << 40);
  void read(const std::string& field, std::vector<std::string>& value);
  /// A number or a list of numbers in [least, most].
  void read(const std::string& field, std::vector<double>& value, double least, double most);
  /// Two whole numbers in [1, 16384], called `form` in refusals.
  void read_size(const std::string& field, std::vector<int64_t>& value,
                 std::string_view form = "[height, width]");

  /// Refuses fields that were not asked for, and those named twice.
  void finish() const;
  /// "data.train.size" for "size".
  std::string path(const std::string& field) const {
    return name_.empty() ? field : name_ + "." + field;
  }

 private:
  YAML::Node node_;
  std::string name_;
  std::vector<std::string> known_;
};

}  // namespace brisk::yaml
