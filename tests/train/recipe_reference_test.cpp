#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "brisk/base/file.h"
#include "brisk/train/recipe.h"

// docs/reference/recipe.md against the parser: the tables name each field that it takes and no
// other, a default given is the default, and every example and every recipe in the documents is
// taken. What a field's owner takes may depend on its other fields, hence several variants of each.

namespace brisk {
namespace {

const std::filesystem::path kRoot = BRISK_SOURCE_DIR;

struct Row {
  std::string owner, field, default_value, example;
};

/// The text between backticks, or nothing.
std::string code(const std::string& cell) {
  const std::regex whole("^`(.*)`$");
  std::smatch match;
  return std::regex_match(cell, match, whole) ? match[1].str() : "";
}

std::vector<Row> documented_rows() {
  const std::string page = read_file(kRoot / "docs/reference/recipe.md").value();
  const std::regex row(R"(\| `([a-z_.0-9]+)` \| ([^|]*) \| ([^|]*) ?\| ([^|]*) \|)");
  std::vector<Row> rows;
  for (auto at = std::sregex_iterator(page.begin(), page.end(), row); at != std::sregex_iterator();
       ++at) {
    const std::string path = (*at)[1];
    const size_t dot = path.rfind('.');
    std::string default_cell = (*at)[3];
    while (default_cell.ends_with(' ')) default_cell.pop_back();
    rows.push_back({dot == std::string::npos ? "" : path.substr(0, dot), path.substr(dot + 1),
                    code(default_cell), code((*at)[4])});
  }
  return rows;
}

/// An owner's fields in a flow mapping; `augment` is a list of them.
struct Variant {
  std::string before, fields, after;
  std::string with(const std::string& more) const {
    return before + fields + (fields.empty() || more.empty() ? "" : ", ") + more + after;
  }
};

const std::map<std::string, std::vector<Variant>>& variants() {
  static const std::map<std::string, std::vector<Variant>> all = {
      {"",
       {{"{", "data: {train: fashion_mnist}", "}"},
        {"{", "data: {train: fashion_mnist}, model: {package: a}", "}"},
        {"{", "", "}"}}},
      {"model", {{"{data: {train: fashion_mnist}, model: {", "", "}}"}}},
      {"data", {{"{data: {", "train: fashion_mnist", "}}"}, {"{data: {", "", "}}"}}},
      {"data.train",
       {{"{data: {train: {", "image_folder: a", "}}}"},
        {"{data: {train: {", "name: fashion_mnist", "}}}"},
        {"{data: {train: {", "", "}}}"}}},
      {"augment",
       {{"{data: {train: fashion_mnist}, augment: [{", "name: random_crop, size: [8, 8]", "}]}"},
        {"{data: {train: fashion_mnist}, augment: [{", "name: random_crop", "}]}"},
        {"{data: {train: fashion_mnist}, augment: [{", "size: [8, 8]", "}]}"}}},
      {"optimizer",
       {{"{data: {train: fashion_mnist}, optimizer: {", "", "}}"},
        {"{data: {train: fashion_mnist}, optimizer: {", "name: sgd", "}}"},
        {"{data: {train: fashion_mnist}, optimizer: {", "name: muon", "}}"},
        {"{data: {train: fashion_mnist}, optimizer: {", "name: sgd, momentum: 0.9", "}}"}}},
      {"schedule",
       {{"{data: {train: fashion_mnist}, schedule: {", "", "}}"},
        {"{data: {train: fashion_mnist}, schedule: {", "name: cosine_decay", "}}"},
        {"{data: {train: fashion_mnist}, schedule: {", "name: one_cycle", "}}"}}},
      {"cluster", {{"{data: {train: fashion_mnist}, cluster: {", "", "}}"}}},
      {"distill",
       {{"{data: {train: fashion_mnist}, distill: {", "teacher: a", "}}"},
        {"{data: {train: fashion_mnist}, distill: {", "", "}}"}}},
      {"prune_channels", {{"{data: {train: fashion_mnist}, prune_channels: {", "", "}}"}}},
      {"quantize", {{"{data: {train: fashion_mnist}, model: {package: a}, quantize: {", "", "}}"}}},
      {"prune",
       {{"{data: {train: fashion_mnist}, prune: {", "", "}}"},
        {"{data: {train: fashion_mnist}, prune: {", "name: constant_sparsity", "}}"},
        {"{data: {train: fashion_mnist}, prune: {", "name: sparsity_m_by_n", "}}"}}},
  };
  return all;
}

Result<Recipe> parsed(const std::string& text) {
  return parse_recipe(text, "recipe.yaml", "/srv/job");
}

TEST(RecipeReference, NamesTheFieldsThatTheParserTakes) {
  std::map<std::string, std::set<std::string>> documented;
  for (const Row& row : documented_rows())
    EXPECT_TRUE(documented[row.owner].insert(row.field).second)
        << row.owner << "." << row.field << " stands there twice";
  for (const auto& [owner, forms] : variants()) {
    std::set<std::string> known;
    for (const Variant& variant : forms) {
      const Result<Recipe> refused = parsed(variant.with("no_such_field: 1"));
      ASSERT_FALSE(refused.ok());
      const std::string list = "; it has: ", message = refused.error();
      if (message.find(list) == std::string::npos) continue;  // refused for what it lacks
      std::istringstream names(message.substr(message.find(list) + list.size()));
      for (std::string name; std::getline(names >> std::ws, name, ',');) known.insert(name);
    }
    EXPECT_EQ(documented[owner], known) << "of " << (owner.empty() ? "the recipe" : owner);
  }
}

TEST(RecipeReference, ExamplesAreTaken) {
  size_t examples = 0;
  for (const Row& row : documented_rows()) {
    if (row.example.empty()) continue;
    ++examples;
    bool taken = false;
    std::string refusals;
    for (const Variant& variant : variants().at(row.owner)) {
      const Result<Recipe> recipe = parsed(variant.with(row.field + ": " + row.example));
      taken |= recipe.ok();
      if (!recipe.ok()) refusals += recipe.error() + "\n";
    }
    EXPECT_TRUE(taken) << row.owner << "." << row.field << ": " << row.example << "\n" << refusals;
  }
  EXPECT_GT(examples, 40u);
}

TEST(RecipeReference, DefaultsAreWhatIsDoneWithoutTheField) {
  size_t defaults = 0;
  for (const Row& row : documented_rows()) {
    if (row.default_value.empty()) continue;
    ++defaults;
    bool compared = false;
    for (const Variant& variant : variants().at(row.owner)) {
      const Result<Recipe> without = parsed(variant.with("")),
                           given = parsed(variant.with(row.field + ": " + row.default_value));
      if (!without.ok() || !given.ok()) continue;
      compared = true;
      EXPECT_TRUE(*without == *given) << row.owner << "." << row.field << " is not "
                                      << row.default_value << " in " << variant.with("");
    }
    EXPECT_TRUE(compared) << row.owner << "." << row.field << ": " << row.default_value
                          << " is refused";
  }
  EXPECT_GT(defaults, 30u);
}

TEST(RecipeReference, RecipesInTheDocumentsAreTaken) {
  size_t recipes = 0;
  for (const char* page : {"README.md", "docs/reference/recipe.md"}) {
    const std::string text = read_file(kRoot / page).value();
    const std::string begin = "```yaml\n";
    for (size_t at = text.find(begin); at != std::string::npos; at = text.find(begin, at + 1)) {
      const size_t first = at + begin.size();
      const Result<Recipe> recipe = parsed(text.substr(first, text.find("```", first) - first));
      EXPECT_TRUE(recipe.ok()) << page << ": " << recipe.error();
      ++recipes;
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "examples/recipes")) {
    const Result<Recipe> recipe = read_recipe(entry.path());
    EXPECT_TRUE(recipe.ok()) << recipe.error();
    ++recipes;
  }
  EXPECT_GE(recipes, 6u);
}

}  // namespace
}  // namespace brisk
