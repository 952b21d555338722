#include "brisk/train/package_job.h"

#include "brisk/formats/model_file.h"
#include "brisk/formats/package/package.h"
#include "brisk/nn/zoo/zoo.h"

namespace brisk {

PackageJob open_package(const std::string& path) {
  const std::filesystem::path folder = path;
  std::error_code error;
  require(!std::filesystem::is_directory(folder, error) ||
              std::filesystem::exists(folder / "graph.txt", error),
          "{} is no model package: it has no graph.txt{}", path,
          std::filesystem::exists(folder / "model" / "graph.txt", error)
              ? fmt::format("; did you mean {}?", (folder / "model").string())
              : "");
  const Package package = read_package(path).value();
  PackageJob job;
  job.model = {package.name, package.program, package.weights, package.class_names};
  job.optimization = package.optimization;
  apply_preprocessing(package.preprocessing, job.recipe);
  const Graph& graph = package.program.graph;
  require(package.program.num_batch_inputs() >= 1, "the model in {} has no input", path);
  const Shape& shape = graph.input_type(package.program.state.size()).shape();
  for (int64_t axis = 1; axis < shape.rank(); ++axis) job.input_sizes.push_back(shape.size(axis));
  return job;
}

DataRecipe data_recipe(const PackageJob& job, const std::string& data) {
  require(job.input_sizes.size() == 3, "the model's input is no image [height, width, channels]");
  DataRecipe source;
  if (data == "fashion_mnist") {
    source.named = data;
  } else {
    require(std::filesystem::is_directory(data),
            "'{}' is no dataset's name and no folder of images", data);
    source.image_folder = data;
    source.size = {job.input_sizes[0], job.input_sizes[1]};
    source.channels = job.input_sizes[2];
  }
  return source;
}

Dataset open_data(const PackageJob& job, const std::string& data) {
  const DataRecipe source = data_recipe(job, data);
  const Dataset dataset = open_images(source, job.recipe, false);
  require_classes(dataset, source, job.model, job.model.class_names);
  return dataset;
}

Model open_model(const std::string& name_or_path, int64_t steps) {
  std::error_code error;
  const bool is_file = std::filesystem::is_regular_file(name_or_path, error);
  if (is_file || name_or_path.find('/') != std::string::npos ||
      std::filesystem::is_directory(name_or_path)) {
    require(steps == 0, "{} says itself how many steps its input has", name_or_path);
    return is_file ? load(name_or_path).value() : open_package(name_or_path).model;
  }
  Model model = zoo::by_name(name_or_path, steps);
  model.initialize();
  return model;
}

}  // namespace brisk
