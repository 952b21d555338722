#include "brisk/optimize/optimization_record.h"

namespace brisk {

std::string with_step(const std::string& earlier, Json step) {
  Json steps = Json::array();
  if (!earlier.empty()) {
    const Json json = parse_json(earlier, "the package's optimization.json").value();
    require(json.is_object() && json.contains("steps") && json["steps"].is_array(),
            "the package's optimization.json has no list of steps");
    steps = json["steps"];
  }
  steps.push_back(std::move(step));
  return json_text({{"steps", steps}}, 2) + "\n";
}

}  // namespace brisk
