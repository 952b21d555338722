#pragma once

/// What a smaller model is beside a larger one: counts, and times measured here.

#include <string>
#include <vector>

#include "brisk/base/json.h"
#include "brisk/compress/structured_pruning.h"

namespace brisk::cli {

struct ShapeTimeOptions {
  std::string backend = "cpu";
  int64_t threads = 0, batch_size = 16;
  int64_t steps = 20;  ///< in each round
  int64_t rounds = 5;  ///< in which the two are timed in turn
};

/// A model's figures.
struct ShapeFigures {
  int64_t parameters = 0;
  double flops = 0;                                   ///< of one example's forward pass
  double milliseconds = 0, fastest = 0, slowest = 0;  ///< inference of a batch: median of rounds
};

/// What the two models are called in tables.
struct ColumnNames {
  std::string before = "before", after = "after";
};

struct SmallerShapes {
  std::vector<ChannelGroup> groups;  ///< empty where the second was not made of the first
  ShapeTimeOptions how;
  ShapeFigures before, after;

  Json to_json() const;
  /// The groups and both models' figures as a table.
  void print(const ColumnNames& columns) const;
};

SmallerShapes compare_shapes(const Model& before, const Model& after,
                             std::vector<ChannelGroup> groups, const ShapeTimeOptions& options);

}  // namespace brisk::cli
