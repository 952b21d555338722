#include "brisk/data/program_inputs.h"

#include "brisk/base/error.h"

namespace brisk {

void require_inputs(const Dataset& data, const Program& program, size_t num_more,
                    std::string_view name) {
  const std::vector<ComponentSpec> components = data.components();
  const size_t num_state = program.state.size(), num_inputs = program.num_batch_inputs();
  require(components.size() >= num_inputs + num_more,
          "the dataset has {} components, but model '{}' takes {}", components.size(), name,
          num_inputs + num_more);
  for (size_t i = 0; i < num_inputs; ++i) {
    const Type& type = program.graph.input_type(num_state + i);
    const std::vector<Extent> extents(type.shape().begin() + 1, type.shape().end());
    const Type given(components[i].dtype, Shape(components[i].sizes)),
        taken(type.dtype(), Shape(extents));
    require(given == taken,
            "component '{}' of the dataset is {}, but input '{}' of model '{}' takes {}",
            components[i].name, given.to_string(), program.graph.input_name(num_state + i), name,
            taken.to_string());
  }
}

}  // namespace brisk
