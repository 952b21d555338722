#include <fmt/format.h>

#include "brisk/cli/options/dimension_option.h"
#include "brisk/cli/verb.h"
#include "brisk/formats/model_file.h"
#include "brisk/train/package_job.h"

namespace brisk::cli {
namespace {

struct ExportOptions {
  std::string model, to, out;
  std::vector<std::string> dimensions;
  int version = 0;
  bool external_data = false;
};

int export_file(const ExportOptions& options) {
  const bool is_file = std::filesystem::exists(options.model);
  const Model model = is_file ? load(options.model).value() : open_model(options.model);
  const ModelFormat format = find_model_format_named(options.to).value();
  std::string out = options.out;
  if (out.empty())
    out = std::filesystem::path(options.model).stem().string() +
          (format.extensions.empty() || format.extensions[0] == "/"
               ? ""
               : std::string(format.extensions[0]));
  save(model, out, options.to,
       {parse_dimensions(options.dimensions), options.version, options.external_data})
      .value();
  fmt::print("written: {}\n", out);
  return kDone;
}

}  // namespace

void add_export(CLI::App& app, int& code) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* verb = app.add_subcommand("export", "Write a model in another framework's format");
  verb->footer("Example:\n  brisk export runs/first/model --to onnx --out model.onnx");
  verb->add_option("model", options->model, "A model file or package, or a name of the zoo")
      ->required();
  verb->add_option("--to", options->to, "The format: onnx, package ...")->required();
  verb->add_option("--out", options->out,
                   "The file to write; else the model's name with the format's ending");
  verb->add_option("--version", options->version,
                   "The format's version (ONNX: the opset); 0: the writer's choice");
  verb->add_flag("--external_data", options->external_data,
                 "ONNX: weights in OUT.data beside the model, as they are from 2 GiB on");
  add_dimension_option(*verb, options->dimensions);
  verb->callback([options, &code] { code = export_file(*options); });
}

}  // namespace brisk::cli
