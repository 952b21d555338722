#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "brisk/cli/image_scale.h"
#include "brisk/cli/options/dimension_option.h"
#include "brisk/cli/verb.h"
#include "brisk/formats/model_file.h"
#include "brisk/formats/safetensors/safetensors.h"
#include "brisk/runtime/backend.h"

namespace brisk::cli {
namespace {

struct ImportOptions {
  std::string file, out, check, weights, backend = "cpu";
  std::vector<std::string> dimensions;
  double tolerance = 1e-4;
  ImageScale scale;
};

void print_rows(const char* title, const std::vector<ImportReport::Row>& rows) {
  if (rows.empty()) return;
  fmt::print("{}\n", title);
  for (const ImportReport::Row& row : rows)
    fmt::print("  {:28} {:>6}  {}{}{}\n", row.op, row.count, row.where,
               row.note.empty() ? "" : ": ", row.note);
}

/// The greatest difference, relative to the largest expected value.
double difference(const Tensor& found, const Tensor& expected) {
  double largest = 1e-30, apart = 0;
  for (int64_t i = 0; i < expected.num_elements(); ++i) {
    const double a = found.get(i), b = expected.get(i);
    if (std::isnan(a) != std::isnan(b)) return std::numeric_limits<double>::infinity();
    if (std::isnan(b)) continue;
    largest = std::max(largest, std::fabs(b));
    if (a != b) apart = std::max(apart, std::fabs(a - b));
  }
  return apart / largest;
}

/// Sizes for the dimensions that are still open, as the given inputs have them.
Binding sizes_of(const Program& program, const SafetensorsFile& values) {
  Binding binding;
  for (size_t i = program.state.size(); i < program.graph.inputs().size(); ++i) {
    const Tensor& given = values.at(program.graph.input_name(i));
    const Shape& shape = program.graph.input_type(i).shape();
    require(given.rank() == shape.rank(), "input '{}' is {}, but the file holds {}",
            program.graph.input_name(i), program.graph.input_type(i).to_string(), given.describe());
    for (int64_t axis = 0; axis < shape.rank(); ++axis)
      if (shape[axis].is_named())
        binding[shape[axis].name()] = given.sizes()[static_cast<size_t>(axis)];
  }
  return binding;
}

bool check(const Model& model, const ImportOptions& options) {
  const SafetensorsFile values = read_safetensors(options.check).value();
  Program program = for_inference(model.program);
  program = bind_dimensions(program, sizes_of(program, values));
  const auto backend = find_backend(options.backend).value();
  const Compilation compiled = compile(program, *backend);
  compiled.executable->bind_state(model.weights);
  std::vector<Tensor> inputs;
  for (size_t i = program.state.size(); i < program.graph.inputs().size(); ++i)
    inputs.push_back(values.at(program.graph.input_name(i)));
  const std::span<const Tensor> results = compiled.executable->run(inputs);
  bool good = true;
  size_t compared = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    const std::string& name = program.graph.outputs()[i].name;
    const Tensor* expected = values.find(name);
    if (expected == nullptr) continue;
    ++compared;
    require(expected->sizes() == results[i].sizes(), "output '{}' is {}, but {} is expected", name,
            results[i].describe(), expected->describe());
    const double apart = difference(results[i], *expected);
    good &= apart <= options.tolerance;
    fmt::print("  output {:28} {:.2e} of the largest value  {}\n", name, apart,
               apart <= options.tolerance ? "ok" : "DIFFERS");
  }
  require(compared > 0, "{} holds none of the model's outputs; give the expected ones by name",
          options.check);
  return good;
}

int import_file(const ImportOptions& options) {
  const ImportedModel imported =
      load_with_report(options.file, {.dimensions = parse_dimensions(options.dimensions),
                                      .weights = options.weights})
          .value();
  fmt::print("{}\n", options.file);
  print_rows("understood", imported.report.understood);
  print_rows("approximated", imported.report.approximated);
  print_rows("missing", imported.report.missing);
  if (!imported.report.missing.empty()) {
    fmt::print(stderr, "brisk: the model needs what is listed as missing\n");
    return kUserFault;
  }
  const Model& model = imported.model;
  fmt::print("{} parameters\n", model.num_parameters());
  if (!options.check.empty() && !check(model, options)) return kUserFault;
  const std::string out =
      options.out.empty() ? std::filesystem::path(options.file).stem().string() : options.out;
  Package package{model.program, model.weights, model.name, model.class_names, "", {}};
  package.preprocessing = image_preprocessing(package, options.scale);
  write_package(out, package).value();
  fmt::print("written: {}\n", out);
  return kDone;
}

}  // namespace

void add_import(CLI::App& app, int& code) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* verb =
      app.add_subcommand("import", "Read a model of another framework and write a model package");
  verb->footer(
      "Example:\n  brisk import model.onnx --out model\n  brisk import model.onnx --check "
      "samples.safetensors");
  verb->add_option("file", options->file, "The model file")->required();
  verb->add_option("--out", options->out,
                   "The package to write; else the file's name without its ending");
  verb->add_option(
          "--weights", options->weights,
          "Weights to read instead: Keras's x.weights.h5, or x.weights.json of several files")
      ->check(CLI::ExistingFile);
  verb->add_option(
      "--check", options->check,
      "A safetensors file with inputs and expected outputs by name: compared with what comes out");
  verb->add_option("--tolerance", options->tolerance,
                   "Of --check, relative to an output's largest value")
      ->capture_default_str();
  verb->add_option("--backend", options->backend, "Where --check runs")->capture_default_str();
  add_image_scale_options(*verb, options->scale);
  add_dimension_option(*verb, options->dimensions);
  verb->callback([options, &code] { code = import_file(*options); });
}

}  // namespace brisk::cli
