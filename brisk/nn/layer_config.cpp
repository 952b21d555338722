#include "brisk/base/json.h"
#include "brisk/nn/layer.h"

namespace brisk {

std::string config_to_json(std::span<const NamedConfig> fields) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const NamedConfig& field : fields)
    std::visit(
        [&]<typename T>(const T& value) {
          if constexpr (std::is_same_v<T, std::string>) {
            if (value.empty()) json[field.name] = nullptr;
            else json[field.name] = value;
          } else {
            json[field.name] = value;
          }
        },
        field.value);
  return json.dump();
}

}  // namespace brisk
