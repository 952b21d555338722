// The program as its user meets it: help, exit codes, messages, JSON. Verbs and their options are
// read from the program's own help, so that a new one is held to the same.

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "tests/support/child_process.h"

namespace brisk::test {
namespace {

using Arguments = std::vector<std::string>;

ChildResult brisk(Arguments arguments, const ChildOptions& options = {}) {
  arguments.insert(arguments.begin(), brisk_program(BRISK_BINARY_DIR).string());
  return run_child(arguments, options);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The words that stand first in the indented lines after "Subcommands:" (in any case).
std::vector<std::string> verbs() {
  std::vector<std::string> found;
  bool inside = false;
  for (const std::string& line : lines_of(brisk({"--help"}).out)) {
    std::smatch match;
    if (std::regex_search(line, std::regex("^subcommands:", std::regex::icase)))
      inside = true;
    else if (inside && std::regex_search(line, match, std::regex("^ +([a-z]+)")))
      found.push_back(match[1]);
  }
  return found;
}

/// What `brisk VERB --help` lists: "--json", ...
std::set<std::string> options_of(const std::string& verb) {
  const std::string help = brisk({verb, "--help"}).out;
  std::set<std::string> found;
  const std::regex option("\n +(?:-.,)?(--[a-z_]+)");
  for (std::sregex_iterator it(help.begin(), help.end(), option), end; it != end; ++it)
    found.insert((*it)[1]);
  return found;
}

class Verb : public testing::TestWithParam<std::string> {};

TEST_P(Verb, HasHelpWithAnExample) {
  const ChildResult help = brisk({GetParam(), "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_EQ(help.err, "");
  const size_t example = help.out.find("Example:");
  ASSERT_NE(example, std::string::npos) << help.out;
  EXPECT_NE(help.out.find("  brisk " + GetParam(), example), std::string::npos) << help.out;
}

TEST_P(Verb, TheExampleHasOnlyOptionsThatThereAre) {
  const std::string help = brisk({GetParam(), "--help"}).out;
  const std::string example = help.substr(help.find("Example:"));
  const std::set<std::string> known = options_of(GetParam());
  const std::regex option("--[a-z_]+");
  for (const std::string& line : lines_of(example)) {
    if (!line.starts_with("  brisk " + GetParam())) continue;
    for (std::sregex_iterator it(line.begin(), line.end(), option), end; it != end; ++it)
      EXPECT_TRUE(known.contains(it->str())) << line;
  }
}

TEST_P(Verb, RefusesAnUnknownOptionAsWrongUsage) {
  const ChildResult result = brisk({GetParam(), "--no_such_option"});
  EXPECT_EQ(result.code, 2) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(result.err.starts_with("brisk: ")) << result.err;
  EXPECT_NE(result.err.find("Try 'brisk " + GetParam() + " --help'."), std::string::npos)
      << result.err;
}

INSTANTIATE_TEST_SUITE_P(, Verb, testing::ValuesIn(verbs()),
                         [](const auto& info) { return info.param; });

TEST(Program, NamesItsVerbs) {
  const std::vector<std::string> found = verbs();
  for (const char* verb :
       {"train", "evaluate", "predict", "explain", "inspect", "doctor", "demo", "bench", "ops"})
    EXPECT_NE(std::find(found.begin(), found.end(), verb), found.end()) << verb;
}

TEST(Program, WithoutOrWithAnUnknownVerbIsWrongUsage) {
  EXPECT_EQ(brisk({}).code, 2);
  const ChildResult unknown = brisk({"trian"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.err.find("there is no verb 'trian'; did you mean 'train'?"), std::string::npos)
      << unknown.err;
  EXPECT_NE(unknown.err.find("Try 'brisk --help'."), std::string::npos) << unknown.err;
}

TEST(Options, AreWrittenWithUnderscoresOrDashes) {
  const std::string dashes = brisk({"optimize", "--max-drop=-1", "--time-budget", "5m"}).err;
  EXPECT_NE(dashes.find("--max_drop is -1, but must not be negative"), std::string::npos) << dashes;
  const std::string unknown = brisk({"quantize", "x", "--max-dorp", "1"}).err;
  EXPECT_NE(unknown.find("did you mean '--max_drop'?"), std::string::npos) << unknown;
}

TEST(Program, TellsItsVersion) {
  const ChildResult version = brisk({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_TRUE(std::regex_search(version.out, std::regex("^[0-9]+\\.[0-9]+\\.[0-9]+\n")))
      << version.out;
}

struct Ending {
  std::string name;
  Arguments arguments;
  int code;
  std::string message;  ///< a part of what is said on standard error
};

class ProgramEnding : public testing::TestWithParam<Ending> {};

TEST_P(ProgramEnding, HasItsCodeAndSaysWhy) {
  const ChildResult result = brisk(GetParam().arguments);
  EXPECT_EQ(result.code, GetParam().code) << result.err;
  EXPECT_NE(result.err.find(GetParam().message), std::string::npos) << result.err;
  EXPECT_EQ(result.err.find("defect"), std::string::npos) << result.err;
}

INSTANTIATE_TEST_SUITE_P(
    , ProgramEnding,
    testing::Values(
        Ending{"NoRecipe", {"train"}, 2, "recipe"},
        Ending{"RecipeThatIsNotThere", {"train", "/no/recipe.yaml"}, 1, "/no/recipe.yaml"},
        Ending{"NoSuchModel", {"inspect", "resnet51"}, 1, "did you mean 'resnet50'?"},
        Ending{"NoSuchPackage", {"inspect", "/no/package"}, 1, "/no/package"},
        Ending{"FolderThatIsNoPackage", {"inspect", "/proc"}, 1, "/proc is no model"},
        Ending{"EmptyBatch", {"explain", "mlp", "--batch_size", "0"}, 2, "--batch_size"},
        Ending{
            "BatchThatIsNoNumber", {"explain", "mlp", "--batch_size", "many"}, 2, "--batch_size"},
        Ending{"UnknownPrecision", {"explain", "mlp", "--precision", "float8"}, 2, "--precision"},
        Ending{"UnknownBackend",
               {"explain", "mlp", "--backend", "tpu"},
               1,
               "there is no backend 'tpu'"},
        Ending{
            "UnknownPass", {"explain", "mlp", "--disable", "fuse"}, 1, "there is no pass 'fuse'"},
        Ending{"PartsThatDoNotDivide",
               {"explain", "mlp", "--batch_size", "4", "--accumulate", "3"},
               1,
               "a batch of 4 examples cannot be split into 3 equal parts"},
        Ending{"AccumulationWithoutTraining",
               {"explain", "mlp", "--inference", "--accumulate", "2"},
               2,
               "--inference"},
        Ending{"PrecisionOfOneStepOnly", {"bench", "--precision", "float32"}, 2, "--first_step"},
        Ending{"StrictWithFallbacks",
               {"explain", "mlp", "--batch_size", "4", "--backend", "reference", "--strict"},
               1,
               "fell back to the reference backend"},
        Ending{"ANumberAboveItsRange",
               {"optimize", "mlp", "--max_drop", "200"},
               2,
               "--max_drop is 200, but must not be above 100"},
        Ending{"ANumberBelowItsRange",
               {"optimize", "mlp", "--rounds", "2"},
               2,
               "--rounds is 2, but must be at least 3"},
        Ending{"NoImages", {"predict", "/no/package"}, 2, "images"},
        Ending{"PredictWithoutAPackage", {"predict", "/no/package", "a.png"}, 1, "/no/package"},
        Ending{"EvaluateWithoutData", {"evaluate", "/no/package"}, 2, "--data"}),
    [](const auto& info) { return info.param.name; });

TEST(Program, ThreadsSleepAtBarriersUnlessTheEnvironmentSaysOtherwise) {
  const auto shown = [](const std::string& setting) {
    Arguments arguments = {
        "/usr/bin/env", "-u", "GOMP_SPINCOUNT", "-u", "OMP_WAIT_POLICY", "OMP_DISPLAY_ENV=verbose"};
    if (!setting.empty()) arguments.push_back(setting);
    arguments.insert(arguments.end(), {brisk_program(BRISK_BINARY_DIR).string(), "--version"});
    const ChildResult result = run_child(arguments);
    EXPECT_EQ(result.code, 0);
    return result.err;
  };
  if (shown("").find("GOMP_SPINCOUNT") == std::string::npos)
    GTEST_SKIP() << "a build without OpenMP";
  EXPECT_NE(shown("").find("GOMP_SPINCOUNT = '1000'"), std::string::npos);
  const std::string spinning = shown("GOMP_SPINCOUNT=77");
  EXPECT_NE(spinning.find("GOMP_SPINCOUNT = '77'"), std::string::npos);
  EXPECT_EQ(spinning.find("GOMP_SPINCOUNT = '1000'"), std::string::npos);
}

TEST(Program, SaysWhatIsSlowForLackOfALibrary) {
  const ChildResult result =
      brisk({"explain", "small_cnn", "--batch_size", "4", "--backend", "cuda", "--device",
             BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json"},
            {.environment = {"BRISK_CUDA_PATH=/nowhere", "BRISK_CUDA_SEARCH=0"}});
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* part : {"brisk: without cuDNN, ", "convolution", "many times slower",
                           "libcudnn.so.9 was not found", "nvidia-cudnn-cu13"})
    EXPECT_NE(result.err.find(part), std::string::npos) << part << "\n" << result.err;
}

TEST(Recipe, AFaultNamesFileLineColumnAndTheNearestField) {
  const TemporaryDirectory directory;
  std::ofstream(directory / "recipe.yaml")
      << "model: mlp\ndata: {train: synthetic}\nbatchsize: 3\n";
  const ChildResult result = brisk({"train", (directory / "recipe.yaml").string()});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find((directory / "recipe.yaml").string() + ": line 3, column 1: "),
            std::string::npos)
      << result.err;
  EXPECT_NE(result.err.find("did you mean 'batch_size'?"), std::string::npos) << result.err;
}

/// A model trained for one step of made-up images, and two real pictures in folders of classes.
class Trained {
 public:
  Trained() {
    std::ofstream(directory_ / "recipe.yaml")
        << "model: {name: mlp, classes: 1000}\n"
           "data: {train: {name: synthetic, size: [6, 6], channels: 3, take: 8}}\n"
           "batch_size: 8\nepochs: 1\noutput: run\nthreads: 1\n"
           "loss: sparse_categorical_crossentropy\n";
    for (const char* name : {"a", "b"}) {
      std::filesystem::create_directories(directory_ / "photos" / name);
      std::filesystem::copy_file(
          std::filesystem::path(BRISK_SOURCE_DIR) / "fuzz/seeds/formats_png/rgb",
          directory_ / "photos" / name / "picture.png");
    }
    result = brisk({"train", (directory_ / "recipe.yaml").string(), "--json", "--quiet"});
  }

  std::string model() const { return (directory_ / "run" / "model").string(); }
  std::string photos() const { return (directory_ / "photos").string(); }
  std::string photo() const { return (directory_ / "photos" / "a" / "picture.png").string(); }

  ChildResult result;

 private:
  TemporaryDirectory directory_;
};

/// The objects of an output of one JSON object a line.
std::vector<Json> objects(const ChildResult& result) {
  EXPECT_EQ(result.code, 0) << result.err;
  std::vector<Json> found;
  for (const std::string& line : lines_of(result.out)) {
    const Result<Json> parsed = parse_json(line, "a line");
    EXPECT_TRUE(parsed.ok()) << line;
    if (parsed) found.push_back(*parsed);
  }
  EXPECT_FALSE(found.empty()) << result.out;
  return found;
}

TEST(Json, OfTrainingEvaluationAndPredictionParses) {
  const Trained trained;
  const Json done = objects(trained.result).at(0);
  EXPECT_EQ(done.at("steps"), 1);
  EXPECT_EQ(done.at("stopped"), false);
  EXPECT_EQ(done.at("model"), trained.model());

  const Json metrics =
      objects(brisk({"evaluate", trained.model(), "--data", trained.photos(), "--json"})).at(0);
  EXPECT_TRUE(metrics.at("loss").is_number());
  EXPECT_TRUE(metrics.at("accuracy").is_number());

  const auto predictions = objects(brisk(
      {"predict", trained.model(), trained.photo(), trained.photo(), "--top", "2", "--json"}));
  ASSERT_EQ(predictions.size(), 2u);
  for (const Json& line : predictions) {
    EXPECT_EQ(line.at("image"), trained.photo());
    ASSERT_EQ(line.at("predictions").size(), 2u);
    EXPECT_GE(line.at("predictions")[0].at("probability"),
              line.at("predictions")[1].at("probability"));
  }

  const Json inspected = objects(brisk({"inspect", trained.model(), "--json"})).at(0);
  EXPECT_EQ(inspected.at("name"), "mlp");
  EXPECT_EQ(inspected.at("trainable"), 6 * 6 * 3 * 128 + 128 + 128 * 1000 + 1000);

  const TemporaryDirectory output;
  const Json pruned =
      objects(brisk({"prune", trained.model(), "--data", trained.photos(), "--sparsity", "0.75",
                     "--frequency", "1", "--batch_size", "1", "--epochs", "4", "--output",
                     (output / "run").string(), "--gzip", "--json", "--quiet"}))
          .at(0);
  EXPECT_EQ(pruned.at("before").at("sparsity"), 0);
  EXPECT_NEAR(pruned.at("after").at("sparsity").get<double>(), 0.75, 1e-3);
  EXPECT_LT(pruned.at("after").at("gzipped_bytes").get<double>(),
            0.5 * pruned.at("before").at("gzipped_bytes").get<double>());
  EXPECT_TRUE(pruned.at("after").at("metrics").at("accuracy").is_number());
  const Json sparsity =
      objects(brisk({"inspect", pruned.at("model"), "--sparsity", "--json"})).at(0);
  EXPECT_EQ(sparsity.at("elements"), 6 * 6 * 3 * 128 + 128 * 1000);
  EXPECT_NEAR(sparsity.at("zeros").get<double>() / sparsity.at("elements").get<double>(), 0.75,
              1e-3);
}

TEST(Json, OfClusteringComparesBytes) {
  const Trained trained;
  const TemporaryDirectory output;
  const Json done =
      objects(brisk({"cluster", trained.model(), "--data", trained.photos(), "--clusters", "4",
                     "--batch_size", "1", "--epochs", "1", "--output", (output / "run").string(),
                     "--gzip", "--json", "--quiet"}))
          .at(0);
  EXPECT_LT(done.at("after").at("gzipped_bytes").get<double>(),
            0.2 * done.at("before").at("gzipped_bytes").get<double>());
  EXPECT_NE(done.at("how").get<std::string>().find("4 clusters"), std::string::npos);
  const Json metrics =
      objects(brisk({"evaluate", done.at("model"), "--data", trained.photos(), "--json"})).at(0);
  EXPECT_NEAR(metrics.at("loss").get<double>(),
              done.at("after").at("metrics").at("loss").get<double>(), 1e-6);
}

TEST(Json, OfPruningWithATeacherNamesIt) {
  const Trained trained;
  const TemporaryDirectory output;
  for (const Arguments& how :
       {Arguments{"--sparsity", "0.5", "--frequency", "1"}, Arguments{"--structured", "0.5"}}) {
    Arguments all = {"prune",        trained.model(),
                     "--data",       trained.photos(),
                     "--teacher",    trained.model(),
                     "--alpha",      "0.5",
                     "--epochs",     "2",
                     "--output",     (output / how[0]).string(),
                     "--json",       "--quiet",
                     "--batch_size", "1"};
    all.insert(all.end(), how.begin(), how.end());
    const Json done = objects(brisk(all)).at(0);
    EXPECT_NE(done.at("how").get<std::string>().find("temperature 3, alpha 0.5"), std::string::npos)
        << done.at("how");
  }
  EXPECT_EQ(brisk({"prune", trained.model(), "--data", trained.photos(), "--alpha", "0.5"}).code,
            2);
}

TEST(Json, OfPruningChannelsTellsOfEachGroup) {
  const Trained trained;
  const TemporaryDirectory output;
  const Json done = objects(brisk({"prune", trained.model(), "--data", trained.photos(),
                                   "--structured", "0.75", "--batch_size", "1", "--epochs", "1",
                                   "--output", (output / "run").string(), "--json", "--quiet"}))
                        .at(0);
  const Json& shapes = done.at("shapes");
  ASSERT_EQ(shapes.at("groups").size(), 2u);
  EXPECT_EQ(shapes.at("groups")[0].at("kept"), 32);
  EXPECT_EQ(shapes.at("groups")[1].at("reason"), "it is the model's result");
  EXPECT_EQ(shapes.at("after").at("parameters"), 6 * 6 * 3 * 32 + 32 + 32 * 1000 + 1000);
  EXPECT_LT(shapes.at("after").at("flops"), shapes.at("before").at("flops"));
  EXPECT_GT(shapes.at("after").at("milliseconds"), 0);
  const Json inspected = objects(brisk({"inspect", done.at("model"), "--json"})).at(0);
  EXPECT_EQ(inspected.at("trainable"), shapes.at("after").at("parameters"));
  const ChildResult both = brisk({"prune", trained.model(), "--data", trained.photos(),
                                  "--structured", "0.5", "--sparsity", "0.5"});
  EXPECT_EQ(both.code, 2) << both.err;
}

TEST(Json, OfDistillingComparesTeacherAndStudent) {
  const Trained trained;
  const TemporaryDirectory output;
  const Json pruned = objects(brisk({"prune", trained.model(), "--data", trained.photos(),
                                     "--structured", "0.75", "--batch_size", "1", "--epochs", "1",
                                     "--output", (output / "small").string(), "--json", "--quiet"}))
                          .at(0);
  const Json done =
      objects(brisk({"distill", trained.model(), pruned.at("model"), "--data", trained.photos(),
                     "--temperature", "2", "--batch_size", "1", "--epochs", "1", "--output",
                     (output / "taught").string(), "--json", "--quiet"}))
          .at(0);
  EXPECT_EQ(done.at("how"), "distilled from mlp at temperature 2, alpha 0.1");
  EXPECT_LT(done.at("after").at("bytes"), done.at("before").at("bytes"));
  const Json record =
      parse_json(read_file(std::filesystem::path(done.at("model").get<std::string>()) /
                           "optimization.json")
                     .value(),
                 "optimization.json")
          .value();
  ASSERT_EQ(record.at("steps").size(), 2u);
  EXPECT_EQ(record.at("steps")[0].at("step"), "prune_channels");
  EXPECT_EQ(record.at("steps")[1].at("step"), "distill");
}

TEST(Json, OfQuantizingTellsOfEachLayer) {
  const Trained trained;
  const TemporaryDirectory output;
  const ChildResult result =
      brisk({"quantize", trained.model(), "--data", trained.photos(), "--samples", "2", "--steps",
             "2", "--keep_slow", "--output", (output / "run").string(), "--json"});
  EXPECT_NE(result.err.find("warning: ranges of 2 images"), std::string::npos) << result.err;
  const Json done = objects(result).at(0);
  ASSERT_EQ(done.at("layers").size(), 2u);
  for (const Json& layer : done.at("layers")) {
    EXPECT_EQ(layer.at("quantized"), true) << layer;
    EXPECT_GT(layer.at("weight_sqnr"), 30);
    EXPECT_GT(layer.at("integer_milliseconds"), 0);
  }
  const double before = done.at("before").at("bytes"), after = done.at("after").at("bytes");
  EXPECT_LT(after, 0.28 * before);
  const Json metrics =
      objects(brisk({"evaluate", done.at("model"), "--data", trained.photos(), "--json"})).at(0);
  EXPECT_EQ(metrics.at("loss"), done.at("after").at("metrics").at("loss"))
      << "the package is what was measured";
  const Json sparsity = objects(brisk({"inspect", done.at("model"), "--sparsity", "--json"})).at(0);
  EXPECT_EQ(objects(brisk({"inspect", done.at("model"), "--sparsity", "--quantization", "--json"}))
                .size(),
            2u)
      << "both are told";
  EXPECT_EQ(sparsity.at("elements"), 6 * 6 * 3 * 128 + 128 * 1000)
      << "kernels of integers count, too";
  const Json quantization =
      objects(brisk({"inspect", done.at("model"), "--quantization", "--json"})).at(0);
  EXPECT_EQ(quantization.at("integers"), 2);
  EXPECT_EQ(quantization.at("quantize"), 1) << "the image; what is between the products stays";
  EXPECT_EQ(quantization.at("products").at(0).at("result"), "u8");
  EXPECT_EQ(
      objects(brisk({"inspect", trained.model(), "--quantization", "--json"})).at(0).at("integers"),
      0);
  const Json floats =
      objects(brisk({"quantize", trained.model(), "--data", trained.photos(), "--samples", "2",
                     "--steps", "2", "--keep_slow", "--float_layers", "dense", "--output",
                     (output / "floats").string(), "--json"}))
          .at(0);
  EXPECT_EQ(floats.at("layers")[0].at("reason"), "chosen to stay float");
}

TEST(Json, OfQuantizingForTfliteGoesFromTheInputToTheResult) {
  const Trained trained;
  const TemporaryDirectory output;
  const std::vector<std::string> command = {"quantize",    trained.model(),
                                            "--data",      trained.photos(),
                                            "--samples",   "2",
                                            "--steps",     "1",
                                            "--semantics", "tflite",
                                            "--output",    (output / "run").string(),
                                            "--json"};
  const Json done = objects(brisk(command)).at(0);
  EXPECT_EQ(done.at("semantics"), "tflite");
  const Json found =
      objects(brisk({"inspect", done.at("model"), "--quantization", "--json"})).at(0);
  EXPECT_EQ(found.at("integers"), 2) << "none went back to floats for its speed";
  EXPECT_EQ(found.at("quantize"), 1);
  EXPECT_EQ(found.at("dequantize"), 1);
  for (const Json& product : found.at("products")) EXPECT_EQ(product.at("result"), "i8");
  std::vector<std::string> wide = command;
  wide.insert(wide.end(), {"--activations", "16"});
  const Json finer = objects(brisk(wide)).at(0);
  EXPECT_EQ(finer.at("calibration"), "min_max");
  EXPECT_GT(finer.at("sqnr"), done.at("sqnr"));
  for (const Json& layer : finer.at("layers")) EXPECT_EQ(layer.at("input_type"), "i16") << layer;
  std::vector<std::string> dynamic = command;
  dynamic.push_back("--dynamic");
  const ChildResult refused = brisk(dynamic);
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("--semantics tflite is for ranges found on --data"), std::string::npos)
      << refused.err;
}

TEST(Json, OfQuantizingDynamicallyNeedsNoData) {
  const Trained trained;
  const TemporaryDirectory output;
  const Json done = objects(brisk({"quantize", trained.model(), "--dynamic", "--steps", "2",
                                   "--keep_slow", "--output", (output / "run").string(), "--json"}))
                        .at(0);
  EXPECT_EQ(done.at("calibration"), "dynamic");
  for (const Json& layer : done.at("layers")) EXPECT_EQ(layer.at("quantized"), true) << layer;
  EXPECT_GT(done.at("sqnr"), 30);
  EXPECT_LT(done.at("after").at("bytes").get<double>(),
            0.28 * done.at("before").at("bytes").get<double>());
  const auto refused = [&](std::vector<std::string> options, const std::string& reason) {
    options.insert(options.begin(), {"quantize", trained.model()});
    const ChildResult result = brisk(options);
    EXPECT_EQ(result.code, 1);
    EXPECT_NE(result.err.find(reason), std::string::npos) << result.err;
  };
  refused({}, "or --dynamic or --weights_only, which need none");
  refused({"--dynamic", "--max_drop", "1"}, "--max_drop needs --data");
  refused({"--dynamic", "--data", trained.photos(), "--epochs", "1"},
          "--epochs trains ranges, which --dynamic has none of");
  refused({"--dynamic", "--rounding", "gptq"}, "--rounding gptq looks at --data");
}

TEST(Json, OfQuantizingWithARoundingTellsOfIt) {
  const Trained trained;
  const TemporaryDirectory output;
  for (const std::string form : {"", "--dynamic", "--weights_only"}) {
    // What is slower stays quantized, so that a slow build rounds something, too.
    std::vector<std::string> words = {"quantize",
                                      trained.model(),
                                      "--data",
                                      trained.photos(),
                                      "--rounding",
                                      "gptq",
                                      "--samples",
                                      "2",
                                      "--steps",
                                      "2",
                                      "--keep_slow",
                                      "--output",
                                      (output / ("run" + form)).string(),
                                      "--json"};
    if (!form.empty()) words.push_back(form);
    const Json done = objects(brisk(words)).at(0);
    EXPECT_EQ(done.at("rounding"), "gptq") << form;
    EXPECT_EQ(done.at("samples"), 2) << form;
    EXPECT_GT(done.at("sqnr"), 30) << form;
  }
  const Json learned =
      objects(
          brisk({"quantize", trained.model(), "--data", trained.photos(), "--rounding", "adaround",
                 "--rounding_steps", "3", "--equalize", "--smooth", "0.5", "--samples", "2",
                 "--steps", "2", "--keep_slow", "--output", (output / "all").string(), "--json"}))
          .at(0);
  EXPECT_EQ(learned.at("rounding"), "adaround");
  EXPECT_EQ(learned.at("equalize"), true);
  EXPECT_EQ(learned.at("smooth"), 0.5);
  EXPECT_GT(learned.at("sqnr"), 30);
  const auto refused = [&](std::vector<std::string> options, const std::string& reason) {
    options.insert(options.begin(), {"quantize", trained.model()});
    const ChildResult result = brisk(options);
    EXPECT_NE(result.code, 0);
    EXPECT_NE(result.err.find(reason), std::string::npos) << result.err;
  };
  refused({"--dynamic", "--smooth", "0.5"}, "--smooth looks at --data");
  refused({"--data", trained.photos(), "--equalize", "--epochs", "1"},
          "not for --epochs, which trains ranges of the model as it is");
  refused({"--data", trained.photos(), "--smooth", "1.5"}, "--smooth");
  const ChildResult unknown =
      brisk({"quantize", trained.model(), "--data", trained.photos(), "--rounding", "up"});
  EXPECT_NE(unknown.code, 0);
  EXPECT_NE(unknown.err.find("gptq"), std::string::npos) << unknown.err;
}

TEST(Json, OfQuantizingWeightsAlone) {
  const Trained trained;
  const TemporaryDirectory output;
  const Json done = objects(brisk({"quantize", trained.model(), "--weights_only", "--steps", "2",
                                   "--keep_slow", "--output", (output / "run").string(), "--json"}))
                        .at(0);
  EXPECT_EQ(done.at("calibration"), "weights_only");
  for (const Json& layer : done.at("layers")) EXPECT_EQ(layer.at("quantized"), true) << layer;
  EXPECT_GT(done.at("sqnr"), 30);
  EXPECT_LT(done.at("after").at("bytes").get<double>(),
            0.28 * done.at("before").at("bytes").get<double>());
  const Json inspected =
      objects(brisk({"inspect", (output / "run" / "model").string(), "--quantization", "--json"}))
          .at(0);
  EXPECT_EQ(inspected.at("weights_only"), done.at("layers").size());
  const ChildResult trains = brisk(
      {"quantize", trained.model(), "--weights_only", "--data", trained.photos(), "--epochs", "1"});
  EXPECT_NE(trains.err.find("ranges, which --weights_only has none of"), std::string::npos)
      << trains.err;
}

TEST(Json, OfQuantizingWeightsTo4Bits) {
  const Trained trained;
  const TemporaryDirectory output;
  const std::vector<std::string> command = {"quantize",
                                            trained.model(),
                                            "--weights_only",
                                            "--bits",
                                            "4",
                                            "--block_size",
                                            "16",
                                            "--steps",
                                            "1",
                                            "--keep_slow",
                                            "--json",
                                            "--output",
                                            (output / "run").string()};
  const Json done = objects(brisk(command)).at(0);
  EXPECT_EQ(done.at("bits"), 4);
  for (const Json& layer : done.at("layers")) {
    EXPECT_EQ(layer.at("weight_type"), "i4") << layer;
    EXPECT_EQ(layer.at("block_size"), 16) << layer;
  }
  EXPECT_LT(done.at("after").at("bytes").get<double>(),
            0.19 * done.at("before").at("bytes").get<double>());
  const Json inspected =
      objects(brisk({"inspect", done.at("model"), "--quantization", "--json"})).at(0);
  for (const Json& product : inspected.at("products")) {
    EXPECT_TRUE(product.at("filter").get<std::string>().starts_with("i4[")) << product;
    EXPECT_EQ(product.at("block_size"), 16) << product;
  }

  std::vector<std::string> careful = command;
  careful.insert(careful.end(), {"--max_drop", "0", "--data", trained.photos()});
  const Json kept = objects(brisk(careful)).at(0);
  EXPECT_GE(kept.at("after").at("metrics").at("accuracy"),
            kept.at("before").at("metrics").at("accuracy"));
  const ChildResult refused = brisk({"quantize", trained.model(), "--dynamic", "--bits", "4"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("with --weights_only"), std::string::npos) << refused.err;
}

TEST(Json, OfQuantizingWithATrainingTellsOfIt) {
  const Trained trained;
  const TemporaryDirectory output;
  const std::vector<std::string> command = {
      "quantize", trained.model(), "--data", trained.photos(), "--samples",
      "2",        "--steps",       "2",      "--keep_slow",    "--epochs",
      "2",        "--batch_size",  "1",      "--output",       (output / "run").string(),
      "--json",   "--quiet"};
  const Json done = objects(brisk(command)).at(0);
  EXPECT_NE(done.at("training").at("how").get<std::string>().find("ranges moving_average"),
            std::string::npos);
  EXPECT_TRUE(done.at("training").at("metrics_before").at("accuracy").is_number());
  EXPECT_LT(done.at("after").at("bytes"), done.at("before").at("bytes"));
  const Json metrics =
      objects(brisk({"evaluate", done.at("model"), "--data", trained.photos(), "--json"})).at(0);
  EXPECT_NEAR(metrics.at("loss").get<double>(),
              done.at("after").at("metrics").at("loss").get<double>(), 1e-6)
      << "the package is what was measured";
  const ChildResult again = brisk(command);
  EXPECT_EQ(again.code, 1);
  EXPECT_NE(again.err.find("holds an earlier training"), std::string::npos) << again.err;
  std::vector<std::string> resumed = command;
  resumed.push_back("--resume");
  EXPECT_EQ(objects(brisk(resumed)).at(0).at("after").at("metrics"),
            done.at("after").at("metrics"));
  const ChildResult alone =
      brisk({"quantize", trained.model(), "--data", trained.photos(), "--preserve_sparsity"});
  EXPECT_NE(alone.code, 0);
  EXPECT_NE(alone.err.find("--epochs"), std::string::npos) << alone.err;
}

TEST(Json, OfOptimizingHasAStepARow) {
  const TemporaryDirectory output;
  const Json done =
      objects(brisk({"optimize", "mlp", "--data", "synthetic", "--skip", "training", "int8",
                     "--output", (output / "run").string(), "--time-budget", "1m", "--html",
                     (output / "page.html").string(), "--json", "--quiet"}))
          .at(0);
  EXPECT_GT(done.at("steps").size(), 5u);
  for (const Json& step : done.at("steps")) EXPECT_NE(step.at("step"), "int8");
  EXPECT_NE(done.at("accuracy_note").get<std::string>().find("untrained"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(output / "page.html"));
  EXPECT_TRUE(std::filesystem::exists(done.at("package").get<std::string>() + "/graph.txt"));
}

TEST(Json, OfExplainHasAKernelALine) {
  for (const Json& kernel : objects(brisk({"explain", "mlp", "--batch_size", "4", "--json"}))) {
    EXPECT_TRUE(kernel.at("op").is_string());
    EXPECT_TRUE(kernel.at("kernel").is_string());
    EXPECT_TRUE(kernel.at("refusals").is_array());
  }
  for (const Json& kernel : objects(
           brisk({"explain", "mlp", "--batch_size", "4", "--inference", "--profile", "--json"})))
    EXPECT_GE(kernel.at("milliseconds"), 0);
}

TEST(Json, OfProfileHasATimeALine) {
  for (const Json& kernel : objects(brisk({"profile", "mlp", "--batch_size", "4", "--json"})))
    EXPECT_GE(kernel.at("milliseconds"), 0);
}

TEST(Json, OfOpsAndDoctorParses) {
  EXPECT_GE(objects(brisk({"ops", "--json"})).size(), 60u);
  for (const Json& check : objects(brisk({"doctor", "--json"})))
    EXPECT_TRUE(check.at("good").is_boolean());
}

TEST(Json, OfBenchHasACaseALine) {
  for (const Json& line : objects(brisk({"bench", "--steps", "2", "--threads", "1", "--json"}))) {
    EXPECT_TRUE(line.at("case").get<std::string>().starts_with("small_cnn/"));
    EXPECT_GT(line.at("ours"), 0);
  }
}

TEST(Json, EveryVerbThatOffersItIsTestedHere) {
  const std::set<std::string> tested = {"train",    "evaluate", "predict", "inspect", "explain",
                                        "ops",      "doctor",   "bench",   "profile", "prune",
                                        "quantize", "cluster",  "distill", "optimize"};
  for (const std::string& verb : verbs()) {
    const bool long_running = verb == "demo";  // ./dev demo takes minutes
    EXPECT_TRUE(long_running || tested.contains(verb) || !options_of(verb).contains("--json"))
        << verb;
  }
}

TEST(Explain, DumpsTheProgramAfterEachPassThatChangedIt) {
  const TemporaryDirectory directory;
  ASSERT_EQ(
      brisk({"explain", "mlp", "--batch_size", "4", "--dump", (directory / "steps").string()}).code,
      0);
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory / "steps")) {
    EXPECT_EQ(entry.path().extension(), ".txt");
    ++files;
  }
  EXPECT_GE(files, 3u);
}

TEST(Inspect, TextIsTheProgramsTextForm) {
  const ChildResult text = brisk({"inspect", "mlp", "--text"});
  EXPECT_EQ(text.code, 0);
  EXPECT_TRUE(text.out.starts_with("program \"mlp\" {\n")) << text.out.substr(0, 80);
}

}  // namespace
}  // namespace brisk::test
