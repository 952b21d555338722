#include "brisk/compress/calibration.h"

#include <array>
#include <cmath>
#include <map>

#include "brisk/data/program_inputs.h"
#include "brisk/runtime/backend.h"

// Two passes over the data where a histogram is wanted: the first finds the greatest magnitude,
// which fixes the bins, the second fills them. Counts of equal bins do not depend on the order of
// batches.

namespace brisk {
namespace {

/// `program` compiled for each batch size that comes.
class ForwardRunner {
 public:
  ForwardRunner(const Program& program, std::span<const Tensor> weights, int threads)
      : program_(program), weights_(weights.begin(), weights.end()) {
    options_.threads = threads;
  }

  std::span<const Tensor> run(const Example& batch) {
    const size_t count = program_.num_batch_inputs();
    const int64_t size = batch[0].sizes().at(0);
    std::unique_ptr<Executable>& executable = by_size_[size];
    if (!executable) {
      executable =
          compile(bind_dimensions(program_, {{"batch", size}}), **find_backend("cpu"), options_)
              .executable;
      executable->bind_state(weights_);
    }
    return executable->run(std::span(batch).first(count));
  }

 private:
  const Program& program_;
  std::vector<Tensor> weights_;
  CompileOptions options_;
  std::map<int64_t, std::unique_ptr<Executable>> by_size_;
};

template <typename F>
void for_each_batch(const Dataset& data, F&& f) {
  const auto iterator = data.iterator();
  Example batch;
  for (int64_t n = 0; n < data.cardinality() && iterator->next(batch); ++n) f(n, batch);
}

void require_calibration_data(const Dataset& data, const Program& program) {
  require(data.batch_size() > 0, "the calibration data is not batched: call .batch(n) before");
  require(data.cardinality() > 0, "there is no calibration data: the dataset has {}",
          data.cardinality() == 0 ? "no examples" : "no end");
  require_inputs(data, program, 0, program.graph.name());
}

struct Extremes {
  double low = INFINITY, high = -INFINITY;
  double greatest() const { return std::max(-low, high); }
};

Extremes extremes_of(const Tensor& tensor, const std::string& name, int64_t batch) {
  float low = INFINITY, high = -INFINITY;
  bool finite = true;
  for (const float x : tensor.data<float>()) {
    low = std::min(low, x);
    high = std::max(high, x);
    finite = finite && std::isfinite(x);
  }
  require(finite, "'{}' has values that are not finite for batch {} of the calibration data", name,
          batch);
  return {low, high};
}

/// Kullback-Leibler divergence of the distribution that is cut off after `bins` bins, whose last
/// one counts all beyond, from what is left when the uncut bins are told apart in `levels` steps
/// only.
double divergence(const std::vector<double>& counts, size_t bins, int levels) {
  constexpr double kNothing = 1e-4;  ///< in place of an empty bin that is not empty when cut off
  double kept = 0, outliers = 0;
  for (size_t i = 0; i < counts.size(); ++i) (i < bins ? kept : outliers) += counts[i];
  if (kept == 0) return INFINITY;
  const double total = kept + outliers, width = static_cast<double>(bins) / levels;
  double result = std::log(kept / total);
  for (int level = 0; level < levels; ++level) {
    const auto begin = static_cast<size_t>(std::floor(level * width)),
               end = level + 1 == levels ? bins
                                         : static_cast<size_t>(std::floor((level + 1) * width));
    double sum = 0;
    int filled = 0;
    for (size_t i = begin; i < end; ++i) sum += counts[i], filled += counts[i] > 0 ? 1 : 0;
    for (size_t i = begin; i < end; ++i) {
      const double p = counts[i] + (i + 1 == bins ? outliers : 0);
      if (p == 0) continue;
      const double q = counts[i] > 0 ? sum / filled : kNothing;
      result += p / total * std::log(p / q);
    }
  }
  return result;
}

/// Sum of squared errors when magnitudes up to `kept` are told apart in `levels` steps.
double squared_error(const MagnitudeHistogram& histogram, double kept, int levels) {
  const double width = histogram.greatest / static_cast<double>(histogram.counts.size()),
               step = kept / levels, rounding = step * step / 12;
  double error = 0;
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    const double x = (static_cast<double>(i) + 0.5) * width;
    error += histogram.counts[i] * (x > kept ? (x - kept) * (x - kept) : rounding);
  }
  return error;
}

}  // namespace

std::span<const std::string_view> enum_names(CalibrationMethod) {
  static constexpr std::array<std::string_view, 5> kNames = {"min_max", "moving_average",
                                                             "percentile", "entropy", "mse"};
  return kNames;
}

void MagnitudeHistogram::add(const Tensor& values) {
  const double scale = greatest > 0 ? static_cast<double>(counts.size()) / greatest : 0;
  for (const float x : values.data<float>())
    if (x != 0) counts[std::min(static_cast<size_t>(std::fabs(x) * scale), counts.size() - 1)] += 1;
}

double kept_magnitude(const MagnitudeHistogram& histogram, const CalibrationOptions& options,
                      int levels) {
  const std::vector<double>& counts = histogram.counts;
  const size_t bins = counts.size();
  const double width = histogram.greatest / static_cast<double>(bins);
  if (options.method == CalibrationMethod::percentile) {
    double total = 0, below = 0;
    for (const double count : counts) total += count;
    for (size_t i = 0; i < bins; ++i) {
      below += counts[i];
      if (below >= total * options.percentile / 100) return static_cast<double>(i + 1) * width;
    }
    return histogram.greatest;
  }
  size_t best = bins;
  double least = INFINITY;
  for (size_t i = static_cast<size_t>(levels) + 1; i <= bins; ++i) {
    const double cost = options.method == CalibrationMethod::entropy
                            ? divergence(counts, i, levels)
                            : squared_error(histogram, static_cast<double>(i) * width, levels);
    if (cost < least) least = cost, best = i;
  }
  return static_cast<double>(best) * width;
}

std::vector<TensorRange> calibrate(const Program& program, std::span<const Tensor> weights,
                                   const Dataset& data, const CalibrationOptions& options) {
  require(options.momentum >= 0 && options.momentum < 1,
          "the momentum is {}, but must be in [0, 1)", options.momentum);
  require(options.percentile > 0 && options.percentile <= 100,
          "the percentile is {}, but must be in (0, 100]", options.percentile);
  require_calibration_data(data, program);
  ForwardRunner forward(program, weights, options.threads);
  const auto count = static_cast<size_t>(program.num_results);
  const auto name_of = [&](size_t i) { return program.graph.outputs()[i].name; };
  std::vector<Extremes> extremes(count);
  std::vector<double> averages(count);
  for_each_batch(data, [&](int64_t n, const Example& batch) {
    const std::span<const Tensor> values = forward.run(batch);
    for (size_t i = 0; i < count; ++i) {
      const Extremes here = extremes_of(values[i], name_of(i), n);
      extremes[i] = {std::min(extremes[i].low, here.low), std::max(extremes[i].high, here.high)};
      averages[i] = n == 0
                        ? here.greatest()
                        : options.momentum * averages[i] + (1 - options.momentum) * here.greatest();
    }
  });
  std::vector<TensorRange> ranges(count);
  for (size_t i = 0; i < count; ++i)
    ranges[i] = {
        extremes[i].low, extremes[i].high,
        options.method == CalibrationMethod::moving_average ? averages[i] : extremes[i].greatest()};
  if (options.method == CalibrationMethod::min_max ||
      options.method == CalibrationMethod::moving_average)
    return ranges;

  constexpr size_t kBins = 2048;
  std::vector<MagnitudeHistogram> histograms;
  for (const TensorRange& range : ranges)
    histograms.push_back({std::vector<double>(kBins), range.magnitude});
  for_each_batch(data, [&](int64_t, const Example& batch) {
    const std::span<const Tensor> values = forward.run(batch);
    for (size_t i = 0; i < count; ++i) histograms[i].add(values[i]);
  });
  for (size_t i = 0; i < count; ++i)
    if (ranges[i].magnitude > 0)
      ranges[i].magnitude =
          kept_magnitude(histograms[i], options, ranges[i].is_signed() ? 127 : 255);
  return ranges;
}

std::vector<Tensor> mean_results(const Program& program, std::span<const Tensor> weights,
                                 const Dataset& data, int threads, BatchResult result) {
  require_calibration_data(data, program);
  ForwardRunner forward(program, weights, threads);
  std::vector<std::vector<double>> means;
  std::vector<Tensor> found;
  double examples = 0;
  for_each_batch(data, [&](int64_t n, const Example& batch) {
    const std::span<const Tensor> values = forward.run(batch);
    const auto size = static_cast<double>(batch[0].sizes()[0]);
    examples += size;
    for (size_t i = 0; i < values.size(); ++i) {
      const auto here = values[i].data<float>();
      if (means.size() == i) {
        means.emplace_back(here.size(), 0.0);
        found.push_back(Tensor(DType::f32, values[i].sizes()));
      }
      const double factor = (result == BatchResult::mean ? size : 1) / examples,
                   kept = 1 - size / examples;
      for (size_t j = 0; j < here.size(); ++j) means[i][j] = kept * means[i][j] + factor * here[j];
      require(
          std::all_of(means[i].begin(), means[i].end(), [](double x) { return std::isfinite(x); }),
          "'{}' has values that are not finite for batch {} of the calibration data",
          program.graph.outputs()[i].name, n);
    }
  });
  for (size_t i = 0; i < means.size(); ++i)
    std::copy(means[i].begin(), means[i].end(), found[i].data<float>().begin());
  return found;
}

}  // namespace brisk
