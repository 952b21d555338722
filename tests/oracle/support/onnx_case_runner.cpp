// Runs cases of ONNX's backend tests through import, compile and the cpu backend, and writes what
// comes out as ONNX's own files, for tests/oracle/onnx_cases.py to judge.
//
//   onnx_case_runner OUT BACKEND (stages | program | again | export) < list
//
// `stages` runs any model in an onnx::Session; `program` imports it as one program, as brisk::load
// does, which refuses models whose shapes depend on data; `again` writes that program as ONNX and
// reads it once more, which must give the same text; `export` only writes it, in the oldest opset
// that says it, as OUT/NAME/model.onnx. Where shapes depend on what the case has as inputs, the
// last two hold those that are integers, then lists of floats, too: the model is that of the
// case's own numbers.
//
// A line a case: name, model file, folder of input_N.pb, by tabs.
//
// Prints "begin NAME", then "done NAME" or "fail NAME reason". A case that crashes takes the
// process with it: the caller sees which one had begun.

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "brisk/base/file.h"
#include "brisk/formats/model_file.h"
#include "brisk/formats/onnx/export/save_onnx.h"
#include "brisk/formats/onnx/onnx_file.h"
#include "brisk/formats/onnx/schema/write.h"
#include "brisk/formats/onnx/session.h"
#include "brisk/ir/text.h"

namespace {

using namespace brisk;

struct Case {
  std::string name;
  std::filesystem::path model, data;
};

std::map<std::string, onnx::ValueFile> read_inputs(const Case& given, const onnx::ModelDef& model) {
  std::vector<const onnx::ValueDef*> all, open;
  for (const onnx::ValueDef& input : model.graph.inputs) {
    all.push_back(&input);
    bool initialized = false;
    for (const onnx::InitializerDef& entry : model.graph.initializers)
      initialized |= entry.name == input.name;
    if (!initialized) open.push_back(&input);
  }
  size_t count = 0;
  while (std::filesystem::exists(given.data / fmt::format("input_{}.pb", count))) ++count;
  const auto& ports = count > open.size() ? all : open;
  require(count <= ports.size(), "{} input files for {} inputs", count, ports.size());
  std::map<std::string, onnx::ValueFile> inputs;
  for (size_t i = 0; i < count; ++i) {
    const std::string bytes = read_file(given.data / fmt::format("input_{}.pb", i)).value();
    inputs[ports[i]->name] = onnx::parse_value(bytes, ports[i]->type).value();
  }
  return inputs;
}

std::vector<onnx::ValueFile> run_stages(onnx::ModelDef model,
                                        const std::map<std::string, onnx::ValueFile>& inputs,
                                        const Backend& backend) {
  onnx::Session session(std::move(model),
                        std::shared_ptr<const Backend>(std::shared_ptr<void>(), &backend),
                        {.threads = 1});
  return session.run(inputs);
}

/// The first line in which two texts differ.
std::string difference(const std::string& a, const std::string& b) {
  std::istringstream left(a), right(b);
  std::string x, y;
  while (std::getline(left, x) && std::getline(right, y))
    if (x != y) return fmt::format("'{}' came back as '{}'", x.substr(0, 150), y.substr(0, 150));
  return "one is longer";
}

/// The model with the case's own numbers for inputs that are integers or, in lists, floats.
Result<ImportedModel> held(const Case& given, onnx::ModelDef file,
                           const std::map<std::string, onnx::ValueFile>& inputs, bool floats) {
  std::vector<onnx::ValueDef> open;
  for (const onnx::ValueDef& input : file.graph.inputs) {
    const auto found = inputs.find(input.name);
    const bool is_number = found != inputs.end() &&
                           found->second.kind == onnx::TypeDef::Kind::tensor &&
                           !found->second.tensor.is_string();
    const Tensor* tensor = is_number ? &found->second.tensor.tensor : nullptr;
    if (is_number && (!is_floating(tensor->dtype()) || (floats && tensor->rank() < 2)))
      file.graph.initializers.push_back({input.name, found->second.tensor});
    else
      open.push_back(input);
  }
  file.graph.inputs = std::move(open);
  return onnx::load_onnx_bytes(onnx::write_model(file).value(), given.model.parent_path(), {});
}

/// As one program, held where it is none otherwise.
Model one_program(const Case& given, const onnx::ModelDef& file,
                  const std::map<std::string, onnx::ValueFile>& inputs) {
  if (Result<Model> model = load(given.model)) return std::move(*model);
  if (Result<ImportedModel> model = held(given, file, inputs, false)) return model->model;
  return held(given, file, inputs, true).value().model;
}

onnx::ModelDef exported(const Model& model) {
  for (const int version : {17, 18, 19, 20, 21, 23, 24})
    if (Result<onnx::ModelDef> file = onnx::to_onnx(model, {.version = version})) return *file;
  return onnx::to_onnx(model, {.version = 25}).value();
}

Model written_and_read(const Model& model) {
  const onnx::ModelDef file = onnx::to_onnx(model, {.version = 25}).value();
  Model back = onnx::load_onnx_bytes(onnx::write_model(file).value(), {}, {}).value().model;
  const std::string before = print(model.program), after = print(back.program);
  require(before == after, "text: {}", difference(before, after));
  return back;
}

std::vector<onnx::ValueFile> run_program(const Case& given, const onnx::ModelDef& file,
                                         const std::map<std::string, onnx::ValueFile>& inputs,
                                         const Backend& backend, bool again) {
  const Model model =
      again ? written_and_read(one_program(given, file, inputs)) : load(given.model).value();
  const Program program = for_inference(model.program);
  const Compilation compiled = compile(program, backend, {.threads = 1});
  compiled.executable->bind_state(model.weights);
  std::vector<Tensor> values;
  for (size_t i = program.state.size(); i < program.graph.inputs().size(); ++i)
    values.push_back(inputs.at(program.graph.input_name(i)).tensor.tensor);
  std::vector<onnx::ValueFile> outputs;
  for (const Tensor& result : compiled.executable->run(values)) {
    onnx::ValueFile output;
    const onnx::ElementType declared = file.graph.outputs[outputs.size()].type.element;
    output.tensor = {
        declared == onnx::ElementType::undefined ? onnx::element_type_of(result.dtype()) : declared,
        result.clone()};
    outputs.push_back(std::move(output));
  }
  return outputs;
}

void run(const Case& given, const std::filesystem::path& out, const Backend& backend,
         std::string_view mode) {
  onnx::ModelDef model = onnx::read_model(given.model).value();
  const auto inputs = read_inputs(given, model);
  std::filesystem::create_directories(out / given.name);
  if (mode == "export") {
    std::ofstream file(out / given.name / "model.onnx", std::ios::binary);
    file << onnx::write_model(exported(one_program(given, model, inputs))).value();
    return;
  }
  const std::vector<onnx::ValueFile> outputs =
      mode == "stages" ? run_stages(std::move(model), inputs, backend)
                       : run_program(given, model, inputs, backend, mode == "again");
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::ofstream file(out / given.name / fmt::format("output_{}.pb", i), std::ios::binary);
    file << onnx::write_value(outputs[i]);
  }
}

void say(const std::string& line) {
  std::cout << line << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: onnx_case_runner OUT BACKEND (stages | program | again | export) < list\n";
    return 2;
  }
  const auto backend = find_backend(argv[2]).value();
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream fields(line);
    Case given;
    std::string model, data;
    std::getline(fields, given.name, '\t');
    std::getline(fields, model, '\t');
    std::getline(fields, data, '\t');
    given.model = model;
    given.data = data;
    say("begin " + given.name);
    try {
      run(given, argv[1], *backend, argv[3]);
      say("done " + given.name);
    } catch (const std::exception& error) {
      std::string reason = error.what();
      for (char& letter : reason)
        if (letter == '\n') letter = ' ';
      say("fail " + given.name + " " + reason);
    }
  }
  return 0;
}
