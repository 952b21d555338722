#pragma once

/// What was measured of one form of a model.

#include <optional>

#include "brisk/optimize/spread.h"

namespace brisk {

/// Share of held-out examples that are told right, with its standard error, sqrt(p (1 - p) / n).
struct Accuracy {
  double value = 0;
  int64_t examples = 0;
  double standard_error() const;
  friend bool operator==(const Accuracy&, const Accuracy&) = default;
};

/// Empty where it was not measured.
struct Figures {
  std::optional<Spread> train_rate;  ///< training: images a second
  std::optional<Spread> latency;     ///< inference of one image: milliseconds
  std::optional<Spread> rate;        ///< inference of full batches: images a second
  std::optional<double>
      first_milliseconds;                ///< reading the package, compiling, and the first image
  std::optional<double> peak_megabytes;  ///< arena, state and packed weights of what was timed
  std::optional<int64_t> bytes;          ///< of the package's files
  std::optional<Accuracy> accuracy;
  friend bool operator==(const Figures&, const Figures&) = default;
};

Json to_json(const Figures& figures);
Figures figures_from_json(const Json& json);

}  // namespace brisk
