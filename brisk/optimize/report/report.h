#pragma once

/// What an optimization found: the table of steps, and what it is about.

#include <string>
#include <vector>

#include "brisk/optimize/keep_rule.h"

namespace brisk {

enum class StepPhase : uint8_t { training, deployment };
std::span<const std::string_view> enum_names(StepPhase);

enum class Verdict : uint8_t { start, kept, not_kept, not_tried };
std::span<const std::string_view> enum_names(Verdict);

/// A line of the table.
struct StepRow {
  std::string step;
  StepPhase phase = StepPhase::deployment;
  Figures figures = {};
  Verdict verdict = Verdict::not_tried;
  std::string why = {};  ///< with the figures that decided
  double seconds = 0;    ///< that trying it took
  /// The kept step that this one was tried without, going back on it; empty: tried on the best.
  std::string without = {};
  Gains gains = {};          ///< beside what it was tried on
  bool over_budget = false;  ///< of accuracy, and for nothing else not kept

  /// "16 clusters", "16 clusters, without half of the channels".
  std::string title() const;
};

/// A product of the model as it came and as it is served; milliseconds of one run each.
struct LayerBar {
  std::string layer, type;  ///< "conv2d_1", "int8"
  double before = 0, after = 0;
};

struct OptimizationReport {
  std::string model, data, validation;
  std::string machine, version;  ///< "AMD EPYC, 2 cores, avx512_vnni"
  int64_t threads = 0;
  int64_t classes = 0;  ///< that the model tells apart
  std::string target;
  double max_drop = 0;           ///< points of accuracy
  double time_budget = 0;        ///< seconds; 0: none
  double seconds = 0;            ///< that all of it took
  int64_t batch_size = 0;        ///< of timed inference in batches
  int64_t layer_batch_size = 0;  ///< that `layers` were timed with
  std::string accuracy_note;     ///< why no accuracy is judged; empty where it is
  std::vector<StepRow> rows;
  std::vector<LayerBar> layers;
  /// The model as it came and the best one, timed in turn at the end; empty where nothing was kept
  /// or there was no time for it.
  std::optional<Trial> together;
  std::string statement;  ///< what was reached, in words
  std::string package;    ///< the best model's directory
};

Json to_json(const StepRow& row);
StepRow step_row_from_json(const Json& json);
Json to_json(const OptimizationReport& report);

/// Where the model as it came is no better than chance, that, and what is often the reason; else
/// "".
std::string chance_words(const Accuracy& start, int64_t classes);

/// What was reached: the last row that was kept beside the first of its phase, and where the budget
/// of accuracy kept something out, the best of that. Sets `statement`.
void conclude(OptimizationReport& report);

/// The table for a terminal, with the statement below it.
std::string report_text(const OptimizationReport& report);
/// A page that needs nothing else: plots as SVG, light and dark.
std::string report_html(const OptimizationReport& report);

}  // namespace brisk
