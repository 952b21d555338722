#include "brisk/optimize/report/report.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "brisk/optimize/time_budget.h"

namespace brisk {
namespace {

template <typename Enum>
std::string name_of(Enum value) {
  return std::string(enum_names(value)[static_cast<size_t>(value)]);
}

template <typename Enum>
Enum enum_of(const Json& json) {
  const auto names = enum_names(Enum{});
  const auto found = std::find(names.begin(), names.end(), json.get<std::string>());
  require(found != names.end(), "'{}' is none of: {}", json.get<std::string>(),
          fmt::join(names, ", "));
  return static_cast<Enum>(found - names.begin());
}

const StepRow* first_of(const OptimizationReport& report, StepPhase phase) {
  for (const StepRow& row : report.rows)
    if (row.phase == phase && row.verdict == Verdict::start) return &row;
  return nullptr;
}

const StepRow* last_kept(const OptimizationReport& report, StepPhase phase) {
  const StepRow* last = first_of(report, phase);
  for (const StepRow& row : report.rows)
    if (row.phase == phase && row.verdict == Verdict::kept && row.without.empty()) last = &row;
  return last;
}

std::string training_words(const OptimizationReport& report) {
  const StepRow *first = first_of(report, StepPhase::training),
                *last = last_kept(report, StepPhase::training);
  if (first == nullptr || last == first || !first->figures.train_rate) return "";
  return fmt::format("Training: {:.0f} images/s instead of {:.0f}, {:.2f} times as fast. ",
                     last->figures.train_rate->median, first->figures.train_rate->median,
                     last->figures.train_rate->median / first->figures.train_rate->median);
}

std::string deployment_words(const OptimizationReport& report) {
  const StepRow *first = first_of(report, StepPhase::deployment),
                *last = last_kept(report, StepPhase::deployment);
  if (first == nullptr)
    return "The model as it came was not measured: the time budget ended before. ";
  if (last == first) return "Nothing was kept: the model is served best as it came. ";
  const Figures &a = first->figures, &b = last->figures;
  std::string text = "Serving: ";
  if (report.together) {
    const Trial& t = *report.together;
    text += fmt::format(
        "{:.3f} ms for one image instead of {:.3f} ({:.2f} times as fast), {:.0f} images/s instead "
        "of "
        "{:.0f} ({:.2f}), both timed in turn; ",
        t.after.latency->median, t.before.latency->median, t.latency.times_as_fast.median,
        t.after.rate->median, t.before.rate->median, t.rate.times_as_fast.median);
  }
  text += fmt::format("{:.3f} MB instead of {:.3f}", static_cast<double>(*b.bytes) / 1e6,
                      static_cast<double>(*a.bytes) / 1e6);
  if (a.accuracy && b.accuracy)
    text += fmt::format(", accuracy {:.2f} % instead of {:.2f} %", 100 * b.accuracy->value,
                        100 * a.accuracy->value);
  return text + ". ";
}

/// What the accuracy budget kept out, and what comes nearest to it.
std::string refused_words(const OptimizationReport& report) {
  const StepRow* first = first_of(report, StepPhase::deployment);
  if (first == nullptr || !first->figures.accuracy) return "";
  const StepRow* nearest = nullptr;
  const auto drop = [&](const StepRow& row) {
    return 100 * (first->figures.accuracy->value - row.figures.accuracy->value);
  };
  for (const StepRow& row : report.rows) {
    const bool over = row.verdict == Verdict::not_kept && row.figures.accuracy &&
                      row.phase == StepPhase::deployment && drop(row) > report.max_drop;
    if (over && (nearest == nullptr || drop(row) < drop(*nearest))) nearest = &row;
  }
  if (nearest == nullptr) return "";
  return fmt::format(
      "Within {:.2f} points of accuracy, no more was reached: '{}' came nearest, with {:.2f} "
      "points "
      "({:.2f} MB, {:.3f} ms). ",
      report.max_drop, nearest->title(), drop(*nearest),
      static_cast<double>(*nearest->figures.bytes) / 1e6, nearest->figures.latency->median);
}

std::string not_tried_words(const OptimizationReport& report) {
  std::vector<std::string> names;
  for (const StepRow& row : report.rows)
    if (row.verdict == Verdict::not_tried && row.why.starts_with("the time budget"))
      names.push_back(row.title());
  if (names.empty()) return "";
  return fmt::format("Not tried in {}: {}. ", duration_in_words(report.time_budget),
                     fmt::join(names, ", "));
}

}  // namespace

std::span<const std::string_view> enum_names(StepPhase) {
  static constexpr std::array<std::string_view, 2> kNames = {"training", "deployment"};
  return kNames;
}

std::span<const std::string_view> enum_names(Verdict) {
  static constexpr std::array<std::string_view, 4> kNames = {"start", "kept", "not kept",
                                                             "not tried"};
  return kNames;
}

std::string StepRow::title() const {
  return without.empty() ? step : step + ", without " + without;
}

Json to_json(const StepRow& row) {
  return {{"step", row.step},
          {"phase", name_of(row.phase)},
          {"figures", to_json(row.figures)},
          {"verdict", name_of(row.verdict)},
          {"why", row.why},
          {"seconds", row.seconds},
          {"without", row.without},
          {"times_as_fast", row.gains.latency},
          {"times_as_fast_in_batches", row.gains.rate},
          {"times_as_small", row.gains.bytes},
          {"over_budget", row.over_budget}};
}

StepRow step_row_from_json(const Json& json) {
  return {.step = json.at("step").get<std::string>(),
          .phase = enum_of<StepPhase>(json.at("phase")),
          .figures = figures_from_json(json.at("figures")),
          .verdict = enum_of<Verdict>(json.at("verdict")),
          .why = json.at("why").get<std::string>(),
          .seconds = json.at("seconds").get<double>(),
          .without = json.at("without").get<std::string>(),
          .gains = {json.at("times_as_fast").get<double>(),
                    json.at("times_as_fast_in_batches").get<double>(),
                    json.at("times_as_small").get<double>()},
          .over_budget = json.at("over_budget").get<bool>()};
}

Json to_json(const OptimizationReport& report) {
  Json rows = Json::array(), layers = Json::array();
  for (const StepRow& row : report.rows) rows.push_back(to_json(row));
  for (const LayerBar& bar : report.layers)
    layers.push_back({{"layer", bar.layer},
                      {"type", bar.type},
                      {"before_milliseconds", bar.before},
                      {"after_milliseconds", bar.after}});
  Json json = {{"model", report.model},
               {"data", report.data},
               {"validation", report.validation},
               {"machine", report.machine},
               {"version", report.version},
               {"threads", report.threads},
               {"target", report.target},
               {"max_drop", report.max_drop},
               {"seconds", report.seconds},
               {"batch_size", report.batch_size},
               {"layer_batch_size", report.layer_batch_size},
               {"steps", rows},
               {"layers", layers},
               {"statement", report.statement},
               {"package", report.package}};
  if (report.together)
    json["together"] = {{"before", to_json(report.together->before)},
                        {"after", to_json(report.together->after)},
                        {"latency_times_as_fast", to_json(report.together->latency.times_as_fast)},
                        {"rate_times_as_fast", to_json(report.together->rate.times_as_fast)}};
  if (report.time_budget > 0) json["time_budget"] = report.time_budget;
  if (!report.accuracy_note.empty()) json["accuracy_note"] = report.accuracy_note;
  return json;
}

std::string chance_words(const Accuracy& start, int64_t classes) {
  if (classes < 2 || start.examples == 0) return "";
  const double chance = 1 / static_cast<double>(classes),
               error = std::sqrt(chance * (1 - chance) / static_cast<double>(start.examples));
  if (start.value > chance + 2 * error) return "";
  return fmt::format(
      "The model as it came tells {:.2f} % right, of {} classes: that is chance. It may want "
      "images scaled otherwise (brisk import --mean --std), or its classes in another order. ",
      100 * start.value, classes);
}

void conclude(OptimizationReport& report) {
  const StepRow* first = first_of(report, StepPhase::deployment);
  report.statement = (first != nullptr && first->figures.accuracy
                          ? chance_words(*first->figures.accuracy, report.classes)
                          : "") +
                     training_words(report) + deployment_words(report) + refused_words(report) +
                     not_tried_words(report);
  while (report.statement.ends_with(' ')) report.statement.pop_back();
}

}  // namespace brisk
