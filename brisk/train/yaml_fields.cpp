#include "brisk/train/yaml_fields.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "brisk/base/edit_distance.h"

namespace brisk::yaml {
namespace {

constexpr int kDeepest = 50;

std::string mark_text(const YAML::Mark& mark) {
  if (mark.is_null()) return "line 1, column 1: ";
  return fmt::format("line {}, column {}: ", mark.line + 1, mark.column + 1);
}

/// Walks the text before a tree is built. Aliases can make a small text stand for a huge tree, and
/// deep nesting costs stack; recipes have no use for either.
class Gate final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    require(documents_++ == 0, "{}a second document begins here; a recipe is one", mark_text(mark));
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { check(mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_alias(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string&) override {
    check(mark, anchor);
    // "?" and "!" are what plain and quoted scalars carry.
    require(tag.empty() || tag == "?" || tag == "!", "{}the tag {} has no meaning in a recipe",
            mark_text(mark), tag);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    enter(mark, anchor);
  }
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    enter(mark, anchor);
  }
  void OnMapEnd() override { --depth_; }

 private:
  void enter(const YAML::Mark& mark, YAML::anchor_t anchor) {
    check(mark, anchor);
    require(++depth_ <= kDeepest, "{}lists and mappings are nested more than {} deep",
            mark_text(mark), kDeepest);
  }
  static void check(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) refuse_alias(mark);
  }
  [[noreturn]] static void refuse_alias(const YAML::Mark& mark) {
    refuse("{}anchors and aliases ('&', '*') are not allowed in a recipe", mark_text(mark));
  }

  int documents_ = 0, depth_ = 0;
};

template <typename T>
T scalar(const YAML::Node& node, const std::string& field, std::string_view wanted) {
  if (node.IsScalar()) {
    try {
      return node.as<T>();
    } catch (const YAML::Exception&) {
    }
  }
  refuse(
      "{}{} must be {}{}", place(node), field, wanted,
      node.IsScalar() ? fmt::format(", but is '{}'", node.Scalar().substr(0, 60)) : std::string());
}

template <typename T>
void require_between(const YAML::Node& node, const std::string& field, T value, T least, T most) {
  require(value >= least && value <= most, "{}{} is {}, but must be between {} and {}", place(node),
          field, value, least, most);
}

}  // namespace

YAML::Node parse(const std::string& text) {
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Gate gate;
    while (parser.HandleNextDocument(gate)) {
    }
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    refuse("{}{}", mark_text(error.mark), error.msg);
  }
}

std::string place(const YAML::Node& node) {
  return mark_text(node.Mark());
}

std::string text_of(const YAML::Node& node, const std::string& field, std::string_view wanted) {
  return scalar<std::string>(node, field, wanted);
}

void require_known(const YAML::Node& node, std::string_view what, const std::string& name,
                   std::span<const std::string> known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  refuse("{}there is no {} '{}'{}; there are: {}", place(node), what, name,
         did_you_mean(name, known), fmt::join(known, ", "));
}

FieldReader::FieldReader(const YAML::Node& node, std::string name)
    : node_(node), name_(std::move(name)) {
  require(node.IsMap(), "{}{} must be a mapping of fields to values", place(node),
          name_.empty() ? "the recipe" : name_);
}

YAML::Node FieldReader::find(const std::string& field) {
  known_.push_back(field);
  return node_[field];
}

void FieldReader::read(const std::string& field, std::string& value) {
  if (const YAML::Node node = find(field)) value = text_of(node, path(field));
}

void FieldReader::read(const std::string& field, bool& value) {
  if (const YAML::Node node = find(field)) value = scalar<bool>(node, path(field), "true or false");
}

void FieldReader::read(const std::string& field, double& value, double least, double most) {
  const YAML::Node node = find(field);
  if (!node) return;
  value = scalar<double>(node, path(field), "a number");
  require_between(node, path(field), value, least, most);
}

void FieldReader::read(const std::string& field, int64_t& value, int64_t least, int64_t most) {
  const YAML::Node node = find(field);
  if (!node) return;
  value = scalar<int64_t>(node, path(field), "a whole number");
  require_between(node, path(field), value, least, most);
}

void FieldReader::read(const std::string& field, std::vector<std::string>& value) {
  const YAML::Node node = find(field);
  if (!node) return;
  require(node.IsSequence(), "{}{} must be a list", place(node), path(field));
  value.clear();
  for (const YAML::Node& entry : node)
    value.push_back(text_of(entry, path(field), "a list of texts"));
}

void FieldReader::read(const std::string& field, std::vector<double>& value, double least,
                       double most) {
  const YAML::Node node = find(field);
  if (!node) return;
  const bool list = node.IsSequence() && node.size() > 0;
  require(list || node.IsScalar(), "{}{} must be a number or a list of numbers", place(node),
          path(field));
  value.clear();
  const auto add = [&](const YAML::Node& entry) {
    value.push_back(scalar<double>(entry, path(field), "a number or a list of numbers"));
    require_between(entry, path(field), value.back(), least, most);
  };
  if (!list) return add(node);
  for (const YAML::Node& entry : node) add(entry);
}

void FieldReader::read_size(const std::string& field, std::vector<int64_t>& value,
                            std::string_view form) {
  const YAML::Node node = find(field);
  if (!node) return;
  require(node.IsSequence() && node.size() == 2, "{}{} must be {}", place(node), path(field), form);
  value.clear();
  for (const YAML::Node& entry : node) {
    value.push_back(scalar<int64_t>(entry, path(field), form));
    require_between<int64_t>(entry, path(field), value.back(), 1, 16384);
  }
}

void FieldReader::finish() const {
  const std::string owner = name_.empty() ? "the recipe" : name_;
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const std::string field = text_of(entry.first, fmt::format("a field's name in {}", owner));
    require(seen.insert(field).second, "{}{} names '{}' twice", place(entry.first), owner, field);
    if (std::find(known_.begin(), known_.end(), field) == known_.end())
      refuse("{}{} has no field '{}'{}; it has: {}", place(entry.first), owner, field,
             did_you_mean(field, known_), fmt::join(known_, ", "));
  }
}

}  // namespace brisk::yaml
