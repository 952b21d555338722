#include "brisk/formats/keras/write_keras.h"

#include <ctime>

#include "brisk/formats/hdf5/hdf5_writer.h"
#include "brisk/formats/keras/model_config.h"
#include "brisk/formats/keras/weight_places.h"
#include "brisk/formats/keras/zip.h"

namespace brisk {
namespace {

/// The oldest Keras that the written keys are held to.
constexpr const char* kKerasVersion = "3.3.3";

std::string metadata() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%d@%H:%M:%S", &utc);
  return Json{{"keras_version", kKerasVersion}, {"date_saved", date}}.dump();
}

Result<std::string> weights_file(const Model& model, const FunctionalConfig& config) {
  Hdf5Writer file;
  // Every layer has its group `vars`, empty or not, and so has the root: Keras 3.3 asks for them.
  if (Status s = file.add_group("vars"); !s) return s.failure();
  for (const LayerGroup& group : layer_groups(config)) {
    if (Status s = file.add_group(group.group + "/vars"); !s) return s.failure();
    if (Status s = file.add_attribute(group.group + "/vars", "name", group.layer); !s)
      return s.failure();
  }
  const std::vector<WeightPlace> places = weight_places(config, model.program.state);
  for (size_t i = 0; i < places.size(); ++i) {
    if (places[i].group.empty()) continue;
    if (Status s = file.add_dataset(fmt::format("{}/vars/{}", places[i].group, places[i].index),
                                    model.weights[i]);
        !s)
      return s.failure();
  }
  return file.finish();
}

}  // namespace

Status write_keras(const Model& model, const std::filesystem::path& path) {
  if (model.weights.size() != model.program.state.size())
    return fail(
        "{} cannot be written: the model has {} weights for {} state entries; initialise or load "
        "it first",
        path.string(), model.weights.size(), model.program.state.size());
  try {
    const FunctionalConfig config = functional_config_of(model);
    Result<std::string> weights = weights_file(model, config);
    if (!weights) return weights.failure();
    const std::vector<ZipMember> members = {{"metadata.json", metadata()},
                                            {"config.json", keras_config(config).dump()},
                                            {"model.weights.h5", std::move(*weights)}};
    return write_zip(path, members);
  } catch (const UserError& error) {
    return fail("{} cannot be written: {}", path.string(), error.what());
  }
}

}  // namespace brisk
