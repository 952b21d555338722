#include "brisk/cli/smaller_shapes.h"

#include <fmt/format.h>

#include <algorithm>

#include "brisk/cli/bench_model.h"
#include "brisk/compress/forward_flops.h"

namespace brisk::cli {
namespace {

ShapeFigures figures_of(const Model& model) {
  return {.parameters = model.num_parameters(), .flops = forward_flops(model)};
}

Json figures_json(const ShapeFigures& figures) {
  return {{"parameters", figures.parameters},
          {"flops", figures.flops},
          {"milliseconds", figures.milliseconds},
          {"fastest_milliseconds", figures.fastest},
          {"slowest_milliseconds", figures.slowest}};
}

void set_times(ShapeFigures& figures, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  figures.fastest = times.front(), figures.slowest = times.back();
  figures.milliseconds = times[times.size() / 2];
}

/// The first of a group's layers, and how many more there are.
std::string layers_text(const std::vector<std::string>& layers) {
  if (layers.size() == 1) return layers[0];
  return fmt::format("{} and {} more", layers[0], layers.size() - 1);
}

}  // namespace

SmallerShapes compare_shapes(const Model& before, const Model& after,
                             std::vector<ChannelGroup> groups, const ShapeTimeOptions& options) {
  SmallerShapes result{std::move(groups), options, figures_of(before), figures_of(after)};
  std::vector<double> of_before, of_after;
  for (int64_t round = 0; round < options.rounds; ++round)
    for (const auto& [model, times] : {std::pair(&before, &of_before), {&after, &of_after}})
      times->push_back(time_model(*model,
                                  {.model = model->name,
                                   .backend = options.backend,
                                   .inference = true,
                                   .threads = options.threads,
                                   .steps = options.steps},
                                  options.batch_size)
                           .milliseconds);
  set_times(result.before, std::move(of_before));
  set_times(result.after, std::move(of_after));
  return result;
}

Json SmallerShapes::to_json() const {
  Json list = Json::array();
  for (const ChannelGroup& group : groups)
    list.push_back({{"layers", group.layers},
                    {"channels", group.channels},
                    {"kept", group.kept},
                    {"reason", group.reason}});
  Json json = {{"batch_size", how.batch_size},
               {"before", figures_json(before)},
               {"after", figures_json(after)}};
  if (!groups.empty()) json["groups"] = list;
  return json;
}

void SmallerShapes::print(const ColumnNames& columns) const {
  if (!groups.empty())
    fmt::print("{:48} {:>8} {:>8}  {}\n", "layers whose channels go together", "channels", "kept",
               "why all stay");
  for (const ChannelGroup& group : groups)
    fmt::print("{:48} {:>8} {:>8}  {}\n", layers_text(group.layers), group.channels, group.kept,
               group.reason);
  fmt::print("{}{:24} {:>14} {:>14}\n", groups.empty() ? "" : "\n", "", columns.before,
             columns.after);
  fmt::print("{:24} {:>14} {:>14}\n", "parameters", before.parameters, after.parameters);
  fmt::print("{:24} {:>14.2f} {:>14.2f}\n", "MFLOP an image", before.flops / 1e6,
             after.flops / 1e6);
  const auto time = [](const ShapeFigures& f) { return fmt::format("{:.3f} ms", f.milliseconds); };
  const auto spread = [](const ShapeFigures& f) {
    return fmt::format("{:.3f}-{:.3f}", f.fastest, f.slowest);
  };
  fmt::print("{:24} {:>14} {:>14}\n", fmt::format("inference, batch {}", how.batch_size),
             time(before), time(after));
  fmt::print("{:24} {:>14} {:>14}\n", fmt::format("of {} rounds", how.rounds), spread(before),
             spread(after));
}

}  // namespace brisk::cli
