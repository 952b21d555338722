#include "brisk/compress/structured_pruning.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "brisk/compress/channel_importance.h"

// Groups are the connected components of producers (axes of weights that channels are made by)
// under the classes that they share. Within a group the least important classes go.

namespace brisk {
namespace {

/// A group's classes and what is known of them.
struct Candidates {
  ChannelGroup group;
  std::vector<int32_t> classes;  ///< free ones, in order of the graph
  int64_t step = 1;              ///< channels of its widest layer that a class stands for
  int64_t keep = 0;              ///< how many classes stay
};

/// Where the indices of each axis are, by class: how many of them a class takes.
class AxisCounts {
 public:
  explicit AxisCounts(const UnitTable& units) : left_(static_cast<size_t>(units.num_axes())) {
    for (AxisId axis = 0; axis < units.num_axes(); ++axis) {
      left_[static_cast<size_t>(axis)] = units.extent(axis);
      for (int64_t i = 0; i < units.extent(axis); ++i) {
        std::vector<Taken>& taken = taken_[units.class_of(axis, i)];
        if (taken.empty() || taken.back().axis != axis) taken.push_back({axis, 0});
        ++taken.back().count;
      }
    }
  }
  /// Takes the class out unless an axis would lose all of its indices.
  bool take(int32_t class_number) {
    const std::vector<Taken>& taken = taken_.at(class_number);
    for (const Taken& t : taken)
      if (left_[static_cast<size_t>(t.axis)] <= t.count) return false;
    for (const Taken& t : taken) left_[static_cast<size_t>(t.axis)] -= t.count;
    return true;
  }

 private:
  struct Taken {
    AxisId axis;
    int64_t count;
  };
  std::vector<int64_t> left_;
  std::map<int32_t, std::vector<Taken>> taken_;
};

/// Numbers of sets that grow together.
class Components {
 public:
  explicit Components(size_t size) : parents_(size) {
    std::iota(parents_.begin(), parents_.end(), size_t{0});
  }
  size_t find(size_t i) const {
    while (parents_[i] != i) i = parents_[i];
    return i;
  }
  void join(size_t a, size_t b) {
    a = find(a), b = find(b);
    parents_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<size_t> parents_;
};

std::vector<Candidates> groups_of(const ChannelUnits& channels) {
  const UnitTable& units = channels.units;
  const std::vector<Producer>& producers = channels.producers;
  Components components(producers.size());
  std::map<int32_t, size_t> first_producer;
  for (size_t p = 0; p < producers.size(); ++p)
    for (int64_t i = 0; i < units.extent(producers[p].axis); ++i) {
      const auto [found, is_new] = first_producer.emplace(units.class_of(producers[p].axis, i), p);
      if (!is_new) components.join(p, found->second);
    }
  std::map<size_t, Candidates> groups;
  std::set<int32_t> seen;
  for (size_t p = 0; p < producers.size(); ++p) {
    const Producer& producer = producers[p];
    Candidates& of = groups[components.find(p)];
    ChannelGroup& group = of.group;
    if (std::find(group.layers.begin(), group.layers.end(), producer.layer) == group.layers.end())
      group.layers.push_back(producer.layer);
    group.channels = std::max(group.channels, units.extent(producer.axis));
    std::map<int32_t, int64_t> times;
    for (int64_t i = 0; i < units.extent(producer.axis); ++i) {
      const int32_t number = units.class_of(producer.axis, i);
      of.step = std::max(of.step, ++times[number]);
      if (!units.pinned(number).empty())
        group.reason = units.pinned(number);
      else if (seen.insert(number).second)
        of.classes.push_back(number);
    }
  }
  std::vector<Candidates> result;
  for (auto& [component, group] : groups) {
    group.keep = std::ssize(group.classes);
    group.group.kept = group.group.channels;
    if (!group.classes.empty()) group.group.reason.clear();
    result.push_back(std::move(group));
  }
  return result;
}

void hold(Candidates& candidates, std::string reason) {
  candidates.group.reason = std::move(reason);
  candidates.classes.clear();
}

/// The number of classes that stay, from the number that would: rounded to what kernels like.
int64_t rounded(int64_t keep, const Candidates& group, const StructuredPruningOptions& options) {
  const int64_t size = std::ssize(group.classes);
  const int64_t multiple = options.round_to / std::gcd(options.round_to, group.step);
  const int64_t least = (options.min_channels + group.step - 1) / group.step;
  int64_t result = std::max<int64_t>((keep + multiple / 2) / multiple * multiple, multiple);
  if (result < least) result = (least + multiple - 1) / multiple * multiple;
  return std::min(result, size);
}

void check(const Model& model, const StructuredPruningOptions& options) {
  require(options.sparsity >= 0 && options.sparsity < 1,
          "the share of channels that go is {}, but must be in [0, 1)", options.sparsity);
  require(options.round_to >= 1 && options.min_channels >= 1,
          "round_to is {} and min_channels {}, but both must be positive", options.round_to,
          options.min_channels);
  require(model.weights.size() == model.program.state.size(),
          "model '{}' has no weights that tell which channels matter: train or load it first",
          model.name);
}

/// Takes groups out of the choice that are excluded, or that nothing is known of.
void hold_excluded(std::vector<Candidates>& groups, const StructuredPruningOptions& options,
                   const std::vector<double>& worth) {
  for (Candidates& candidates : groups) {
    for (const std::string& part : options.exclude_layers)
      for (const std::string& layer : candidates.group.layers)
        if (!candidates.classes.empty() && layer.find(part) != std::string::npos)
          hold(candidates, fmt::format("exclude_layers names '{}'", part));
    for (const int32_t number : candidates.classes)
      if (worth[static_cast<size_t>(number)] < 0) {
        hold(candidates, "no batch normalization scales it");
        break;
      }
  }
}

/// Decides how many classes each group keeps; their classes are sorted, the most important first.
void choose_counts(std::vector<Candidates>& groups, const StructuredPruningOptions& options,
                   std::vector<double> worth) {
  std::vector<double> all;
  for (Candidates& candidates : groups) {
    const auto size = static_cast<double>(candidates.classes.size());
    double mean = 0;
    for (const int32_t number : candidates.classes)
      mean += worth[static_cast<size_t>(number)] / size;
    for (const int32_t number : candidates.classes) {
      double& of_class = worth[static_cast<size_t>(number)];
      if (options.importance != ChannelImportance::gamma && mean > 0) of_class /= mean;
      all.push_back(of_class);
    }
    std::stable_sort(candidates.classes.begin(), candidates.classes.end(),
                     [&](int32_t a, int32_t b) {
                       return worth[static_cast<size_t>(a)] > worth[static_cast<size_t>(b)];
                     });
  }
  std::sort(all.begin(), all.end());
  const auto going = std::llround(options.sparsity * static_cast<double>(all.size()));
  for (Candidates& candidates : groups) {
    const int64_t size = std::ssize(candidates.classes);
    int64_t keep = size - std::llround(options.sparsity * static_cast<double>(size));
    if (options.scope == ChannelScope::model && going > 0)
      keep =
          std::count_if(candidates.classes.begin(), candidates.classes.end(), [&](int32_t number) {
            return worth[static_cast<size_t>(number)] > all[static_cast<size_t>(going - 1)];
          });
    candidates.keep = keep == size ? size : rounded(keep, candidates, options);
  }
}

std::string reasons_of(const std::vector<Candidates>& groups) {
  if (groups.empty()) return " it has no product of floats with weights";
  std::string text;
  for (const Candidates& candidates : groups)
    text += fmt::format(
        "\n  {}: {}", candidates.group.layers[0],
        candidates.group.reason.empty()
            ? fmt::format("{} channels are too few to lose some", candidates.group.channels)
            : candidates.group.reason);
  return text;
}

}  // namespace

std::span<const std::string_view> enum_names(ChannelScope) {
  static constexpr std::array<std::string_view, 2> kNames = {"group", "model"};
  return kNames;
}

StructuredPruning prune_channels(const Model& model, const StructuredPruningOptions& options) {
  check(model, options);
  const ChannelUnits channels = channel_units(model.program);
  std::vector<Candidates> groups = groups_of(channels);
  const std::vector<double> worth = channel_importance(model, channels, options.importance);
  hold_excluded(groups, options, worth);
  choose_counts(groups, options, worth);

  AxisCounts counts(channels.units);
  std::vector<bool> goes(static_cast<size_t>(channels.units.num_units()), false);
  bool any = false;
  for (Candidates& candidates : groups) {
    int64_t left = std::ssize(candidates.classes);
    for (size_t i = candidates.classes.size(); i-- > 0 && left > candidates.keep;) {
      const int32_t number = candidates.classes[i];
      if (!counts.take(number)) continue;
      goes[static_cast<size_t>(number)] = any = true;
      --left;
    }
  }
  require(any || options.sparsity == 0, "no channel of model '{}' can go:{}", model.name,
          reasons_of(groups));
  StructuredPruning result{
      remove_channels(model, channels,
                      [&](int32_t number) { return bool(goes[static_cast<size_t>(number)]); }),
      {}};
  for (Candidates& candidates : groups) {
    // Of several layers in a group the widest tells.
    candidates.group.kept = 0;
    for (const Producer& producer : channels.producers) {
      const std::vector<std::string>& layers = candidates.group.layers;
      if (std::find(layers.begin(), layers.end(), producer.layer) == layers.end() ||
          channels.units.extent(producer.axis) != candidates.group.channels)
        continue;
      int64_t kept = 0;
      for (int64_t i = 0; i < candidates.group.channels; ++i)
        kept += goes[static_cast<size_t>(channels.units.class_of(producer.axis, i))] ? 0 : 1;
      candidates.group.kept = std::max(candidates.group.kept, kept);
    }
    if (candidates.group.reason.empty() && candidates.group.kept == candidates.group.channels &&
        options.sparsity > 0)
      candidates.group.reason =
          fmt::format("hangs together in {} parts, too few to lose one", candidates.classes.size());
    result.groups.push_back(std::move(candidates.group));
  }
  return result;
}

std::string describe(const StructuredPruningOptions& options) {
  return fmt::format("{} of the channels by {}, scope {}, at least {}, multiples of {}{}",
                     options.sparsity,
                     enum_names(ChannelImportance{})[static_cast<size_t>(options.importance)],
                     enum_names(ChannelScope{})[static_cast<size_t>(options.scope)],
                     options.min_channels, options.round_to,
                     options.exclude_layers.empty()
                         ? ""
                         : fmt::format(", without {}", fmt::join(options.exclude_layers, " ")));
}

}  // namespace brisk
