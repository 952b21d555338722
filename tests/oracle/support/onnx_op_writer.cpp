// Writes the cases of brisk's ops (tests/support/op_cases.h) as ONNX files, with their operands and
// what the reference backend makes of them, for tests/oracle/onnx_ops.py to judge.
//
//   onnx_op_writer OUT [PART_OF_A_NAME]
//
// OUT/NAME/ holds model.onnx, input_N.pb and output_N.pb; a case is written in f32, or its first
// type, in the oldest opset that says it. Prints "written NAME TYPE OPSET", "text NAME" where what
// is read back is not a fixed point of writing and reading, or "refused NAME reason".

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "brisk/formats/onnx/export/save_onnx.h"
#include "brisk/formats/onnx/onnx_file.h"
#include "brisk/formats/onnx/schema/write.h"
#include "brisk/ir/text.h"
#include "brisk/runtime/backend.h"
#include "tests/support/case_graph.h"
#include "tests/support/op_cases.h"

namespace {

using namespace brisk;

void say(const std::string& line) {
  std::cout << line << std::endl;
}

std::pair<onnx::ModelDef, int> written(const Model& model) {
  for (const int opset : {17, 18, 19, 20, 21, 23, 24})
    if (Result<onnx::ModelDef> file = onnx::to_onnx(model, {.version = opset}))
      return {std::move(*file), opset};
  return {onnx::to_onnx(model, {.version = 25}).value(), 25};
}

Model read_again(const Model& model) {
  const std::string bytes =
      onnx::write_model(onnx::to_onnx(model, {.version = 25}).value()).value();
  return onnx::load_onnx_bytes(bytes, {}, {}).value().model;
}

void write_values(const std::filesystem::path& folder, const char* kind,
                  const std::vector<Tensor>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    onnx::ValueFile value;
    value.tensor = onnx::HostTensor(values[i]);
    std::ofstream file(folder / fmt::format("{}_{}.pb", kind, i), std::ios::binary);
    file << onnx::write_value(value);
  }
}

/// Positions within their axes: what others mean, ONNX leaves open.
std::vector<Tensor> with_places_inside(const std::string& op, std::vector<Tensor> operands) {
  const std::set<std::string> at_positions = {"gather", "take_along_axis", "scatter_add",
                                              "put_along_axis_add", "one_hot"};
  if (!at_positions.contains(op)) return operands;
  const std::vector<int64_t> sizes = operands[0].sizes();
  const int64_t least =
      op == "one_hot" || sizes.empty() ? INT64_MAX : *std::min_element(sizes.begin(), sizes.end());
  for (size_t i = op == "one_hot" ? 0 : 1; i < operands.size(); ++i) {
    Tensor& at = operands[i];
    if (at.dtype() != DType::i32 && at.dtype() != DType::i64) continue;
    at = at.clone();
    for (int64_t k = 0; k < at.num_elements(); ++k)
      at.set(k, static_cast<double>(std::abs(static_cast<int64_t>(at.get(k))) %
                                    std::max<int64_t>(least, 1)));
  }
  return operands;
}

void write_case(const testing::OpCase& each, const std::string& name,
                const std::filesystem::path& out) {
  const bool has_f32 =
      std::find(each.types.begin(), each.types.end(), DType::f32) != each.types.end();
  const DType type = has_f32 ? DType::f32 : each.types.front();
  Model model;
  model.name = "case";
  model.program.graph = testing::case_graph(each, type);
  model.program.num_results = static_cast<int64_t>(model.program.graph.outputs().size());
  model.program = for_inference(model.program);
  const auto [file, opset] = written(model);
  const std::filesystem::path folder = out / name;
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "model.onnx", std::ios::binary) << onnx::write_model(file).value();
  const std::vector<Tensor> operands =
      with_places_inside(each.op, testing::case_values(each, type));
  const Compilation compiled =
      compile(model.program, *find_backend("reference").value(), {.cache = false});
  std::vector<Tensor> results;
  for (const Tensor& result : compiled.executable->run(operands)) results.push_back(result.clone());
  write_values(folder, "input", operands);
  write_values(folder, "output", results);
  say(fmt::format("written {} {} {}", name, brisk::name(type), opset));
  const Model read = read_again(model);
  if (print(read_again(read).program) != print(read.program)) say("text " + name);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: onnx_op_writer OUT [PART_OF_A_NAME]\n";
    return 2;
  }
  const std::string part = argc > 2 ? argv[2] : "";
  for (const testing::OpCase& each : testing::all_op_cases()) {
    const std::string name = each.op + "/" + each.name;
    if (name.find(part) == std::string::npos) continue;
    try {
      write_case(each, name, argv[1]);
    } catch (const std::exception& error) {
      std::string reason = error.what();
      std::replace(reason.begin(), reason.end(), '\n', ' ');
      say("refused " + name + " " + reason);
    }
  }
  return 0;
}
