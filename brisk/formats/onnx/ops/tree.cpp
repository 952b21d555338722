#include <cmath>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/values.h"

// ai.onnx.ml: ensembles of decision trees (between stages: every row takes its own path) and
// thresholds.

namespace brisk::onnx {
namespace {

enum class Mode : uint8_t { less_equal, less, greater_equal, greater, equal, not_equal, member };

struct Tree {
  std::vector<int64_t> features, modes, if_true, if_false, true_is_leaf, false_is_leaf,
      missing_true;
  std::vector<double> splits;
  std::vector<std::vector<double>> members;  ///< by node, of `member`
  std::vector<int64_t> targets;
  std::vector<double> weights;
};

bool holds(const Tree& tree, size_t node, double x) {
  if (std::isnan(x)) return !tree.missing_true.empty() && tree.missing_true[node] != 0;
  const double split = tree.splits[node];
  switch (static_cast<Mode>(tree.modes[node])) {
    case Mode::less_equal:
      return x <= split;
    case Mode::less:
      return x < split;
    case Mode::greater_equal:
      return x >= split;
    case Mode::greater:
      return x > split;
    case Mode::equal:
      return x == split;
    case Mode::not_equal:
      return x != split;
    case Mode::member:
      return std::find(tree.members[node].begin(), tree.members[node].end(), x) !=
             tree.members[node].end();
  }
  return false;
}

std::vector<int64_t> numbers(const Call& c, const char* name) {
  const AttributeDef* attribute = c.node.find(name);
  if (attribute == nullptr) return {};
  return attribute->kind == AttributeDef::Kind::tensor ? integers(attribute->tensor)
                                                       : attribute->integers;
}
std::vector<double> values(const Call& c, const char* name) {
  const AttributeDef* attribute = c.node.find(name);
  return attribute == nullptr || !attribute->tensor.defined() ? std::vector<double>()
                                                              : reals(attribute->tensor);
}

Tree read_tree(const Call& c) {
  Tree tree{.features = numbers(c, "nodes_featureids"),
            .modes = numbers(c, "nodes_modes"),
            .if_true = numbers(c, "nodes_truenodeids"),
            .if_false = numbers(c, "nodes_falsenodeids"),
            .true_is_leaf = numbers(c, "nodes_trueleafs"),
            .false_is_leaf = numbers(c, "nodes_falseleafs"),
            .missing_true = numbers(c, "nodes_missing_value_tracks_true"),
            .splits = values(c, "nodes_splits"),
            .members = {},
            .targets = numbers(c, "leaf_targetids"),
            .weights = values(c, "leaf_weights")};
  const size_t count = tree.features.size();
  require(tree.modes.size() == count && tree.if_true.size() == count &&
              tree.if_false.size() == count && tree.true_is_leaf.size() == count &&
              tree.false_is_leaf.size() == count && tree.splits.size() == count &&
              tree.targets.size() == tree.weights.size() &&
              (tree.missing_true.empty() || tree.missing_true.size() == count),
          "its lists of nodes have different lengths");
  // Members of all sets in one list, each set closed by NaN, in the order of the nodes.
  tree.members.resize(count);
  const std::vector<double> all = values(c, "membership_values");
  size_t at = 0;
  for (size_t node = 0; node < count; ++node) {
    if (tree.modes[node] != static_cast<int64_t>(Mode::member)) continue;
    while (at < all.size() && !std::isnan(all[at])) tree.members[node].push_back(all[at++]);
    ++at;
  }
  return tree;
}

/// The leaf that a row ends in.
size_t leaf_of(const Tree& tree, int64_t root, const double* row, int64_t width) {
  int64_t node = root;
  for (size_t step = 0; step <= tree.features.size(); ++step) {
    require(node >= 0 && node < static_cast<int64_t>(tree.features.size()), "it has no node {}",
            node);
    const auto at = static_cast<size_t>(node);
    require(tree.features[at] >= 0 && tree.features[at] < width, "it reads feature {} of {}",
            tree.features[at], width);
    const bool taken = holds(tree, at, row[tree.features[at]]);
    node = taken ? tree.if_true[at] : tree.if_false[at];
    if ((taken ? tree.true_is_leaf[at] : tree.false_is_leaf[at]) != 0) {
      require(node >= 0 && node < static_cast<int64_t>(tree.weights.size()), "it has no leaf {}",
              node);
      return static_cast<size_t>(node);
    }
  }
  refuse("its nodes form a circle");
}

void tree_ensemble(Call& c) {
  const HostTensor x = c.known(0);
  require(x.sizes.size() == 2, "it takes rows of features");
  const Tree tree = read_tree(c);
  const int64_t targets = c.integer("n_targets", 1), rows = x.sizes[0], width = x.sizes[1],
                aggregate = c.integer("aggregate_function", 1);
  require(targets >= 1 && c.integer("post_transform", 0) == 0,
          "it gives {} targets, transformed by {}", targets, c.integer("post_transform", 0));
  const std::vector<int64_t> roots = numbers(c, "tree_roots");
  const std::vector<double> features = reals(x);
  std::vector<double> result(static_cast<size_t>(rows * targets), 0);
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<bool> seen(static_cast<size_t>(targets), false);
    for (const int64_t root : roots) {
      const size_t leaf = leaf_of(tree, root, features.data() + row * width, width);
      const int64_t target = tree.targets[leaf];
      require(target >= 0 && target < targets, "a leaf speaks of target {} of {}", target, targets);
      double& sum = result[static_cast<size_t>(row * targets + target)];
      const double weight = tree.weights[leaf];
      const bool first = !seen[static_cast<size_t>(target)];
      if (aggregate == 2)
        sum = first ? weight : std::min(sum, weight);
      else if (aggregate == 3)
        sum = first ? weight : std::max(sum, weight);
      else
        sum += weight;
      seen[static_cast<size_t>(target)] = true;
    }
    if (aggregate == 0)
      for (int64_t target = 0; target < targets; ++target)
        result[static_cast<size_t>(row * targets + target)] /=
            static_cast<double>(std::max<size_t>(roots.size(), 1));
  }
  c.out(HostTensor(x.element, Tensor::of<double>({rows, targets}, result).cast(x.tensor.dtype())));
}

void binarizer(Call& c) {
  const Value x = c.in(0);
  c.out(cast(greater(x, filled(c.builder(), x.dtype(), x.shape(), c.real("threshold", 0))),
             x.dtype()));
}

constexpr OpRow kTreeRows[] = {
    {.op = "TreeEnsemble", .importer = tree_ensemble, .domain = kMl, .host = true},
    {.op = "Binarizer", .importer = binarizer, .domain = kMl},
};

}  // namespace

std::span<const OpRow> tree_ops() {
  return kTreeRows;
}

}  // namespace brisk::onnx
