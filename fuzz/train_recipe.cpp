// Recipes: any text is a recipe or is refused with its name, line and column.

#include "brisk/train/recipe.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const auto recipe = brisk::parse_recipe(text, "the input", "/recipes");
  if (recipe.ok()) {
    if (recipe->batch_size % recipe->accumulate != 0 || recipe->train.empty()) __builtin_trap();
  } else if (!recipe.error().starts_with("the input: line ")) {
    __builtin_trap();
  }
  return 0;
}
