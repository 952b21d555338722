// Configurations of models: any text is a model whose graph verifies, or a reason.

#include "brisk/base/json.h"
#include "brisk/formats/keras/weight_places.h"
#include "brisk/nn/functional.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto json =
      brisk::parse_json({reinterpret_cast<const char*>(bytes), size}, "the input", 400);
  if (!json || !json->is_object() || !json->contains("config")) return 0;
  try {
    const std::string class_name = json->value("class_name", "Functional");
    const brisk::FunctionalConfig config =
        brisk::parse_functional_config((*json)["config"], class_name);
    if (!brisk::unknown_layers(config).empty()) return 0;
    const brisk::Model model = brisk::build_functional(config, {}, nullptr);
    verify(model.program);
    (void)brisk::weight_places(config, model.program.state);
  } catch (const brisk::UserError&) {
  } catch (const brisk::Json::exception&) {
  }
  return 0;
}
