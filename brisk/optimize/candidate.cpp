#include "brisk/optimize/candidate.h"

#include <algorithm>
#include <array>

namespace brisk {

std::span<const std::string_view> enum_names(NumberFormat) {
  static constexpr std::array<std::string_view, 5> kNames = {"f32", "bf16", "dynamic int8",
                                                             "int8 weights", "int8"};
  return kNames;
}

Json to_json(const Deployment& deployment) {
  return {{"disabled_passes", deployment.disabled_passes},
          {"folded", deployment.folded},
          {"format", enum_names(deployment.format)[static_cast<size_t>(deployment.format)]},
          {"slow_layers", std::map<std::string, std::string>(deployment.slow_layers.begin(),
                                                             deployment.slow_layers.end())},
          {"layers_timed", deployment.layers_timed},
          {"gzipped", deployment.gzipped}};
}

Deployment deployment_from_json(const Json& json) {
  Deployment deployment{
      .disabled_passes = json.at("disabled_passes").get<std::vector<std::string>>(),
      .folded = json.at("folded").get<bool>(),
      .layers_timed = json.at("layers_timed").get<bool>(),
      .gzipped = json.at("gzipped").get<bool>()};
  const auto names = enum_names(NumberFormat{});
  const auto found = std::find(names.begin(), names.end(), json.at("format").get<std::string>());
  require(found != names.end(), "there is no number format {}", json.at("format").dump());
  deployment.format = static_cast<NumberFormat>(found - names.begin());
  for (const auto& [layer, reason] : json.at("slow_layers").items())
    deployment.slow_layers[layer] = reason.get<std::string>();
  return deployment;
}

Json to_json(const ValueRanges& ranges) {
  Json json = Json::array();
  for (const auto& [value, range] : ranges)
    json.push_back({value.node, value.result, range.low, range.high, range.magnitude});
  return json;
}

ValueRanges ranges_from_json(const Json& json) {
  ValueRanges ranges;
  for (const Json& row : json)
    ranges[{row.at(0).get<NodeId>(), row.at(1).get<int32_t>()}] = {
        .low = row.at(2).get<double>(),
        .high = row.at(3).get<double>(),
        .magnitude = row.at(4).get<double>()};
  return ranges;
}

}  // namespace brisk
