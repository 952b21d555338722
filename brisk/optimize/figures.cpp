#include "brisk/optimize/figures.h"

#include <cmath>

namespace brisk {

double Accuracy::standard_error() const {
  return examples > 0 ? std::sqrt(value * (1 - value) / static_cast<double>(examples)) : 0;
}

Json to_json(const Figures& figures) {
  Json json = Json::object();
  if (figures.train_rate) json["train_images_per_second"] = to_json(*figures.train_rate);
  if (figures.latency) json["inference_milliseconds"] = to_json(*figures.latency);
  if (figures.rate) json["inference_images_per_second"] = to_json(*figures.rate);
  if (figures.first_milliseconds) json["first_milliseconds"] = *figures.first_milliseconds;
  if (figures.peak_megabytes) json["peak_megabytes"] = *figures.peak_megabytes;
  if (figures.bytes) json["bytes"] = *figures.bytes;
  if (figures.accuracy)
    json["accuracy"] = {{"value", figures.accuracy->value},
                        {"examples", figures.accuracy->examples},
                        {"standard_error", figures.accuracy->standard_error()}};
  return json;
}

Figures figures_from_json(const Json& json) {
  Figures figures;
  const auto spread = [&](const char* name, std::optional<Spread>& into) {
    if (json.contains(name)) into = spread_from_json(json.at(name));
  };
  spread("train_images_per_second", figures.train_rate);
  spread("inference_milliseconds", figures.latency);
  spread("inference_images_per_second", figures.rate);
  if (json.contains("first_milliseconds"))
    figures.first_milliseconds = json.at("first_milliseconds").get<double>();
  if (json.contains("peak_megabytes"))
    figures.peak_megabytes = json.at("peak_megabytes").get<double>();
  if (json.contains("bytes")) figures.bytes = json.at("bytes").get<int64_t>();
  if (json.contains("accuracy")) {
    const Json& accuracy = json.at("accuracy");
    figures.accuracy = {accuracy.at("value").get<double>(), accuracy.at("examples").get<int64_t>()};
  }
  return figures;
}

}  // namespace brisk
