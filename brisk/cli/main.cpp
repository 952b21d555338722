#include <fmt/format.h>

#include "brisk/base/error.h"
#include "brisk/cli/barrier_wait.h"
#include "brisk/cli/options/option_spelling.h"
#include "brisk/cli/options/usage.h"
#include "brisk/cli/verb.h"

using namespace brisk::cli;

int main(int argc, char** argv) {
  sleep_at_barriers(argv);
  CLI::App app(
      "brisk: trains Keras-style models, fast.\n\n"
      "  brisk demo                 a convolutional network on real images, each optimisation "
      "measured\n"
      "  brisk train recipe.yaml    train what a recipe says\n"
      "  brisk optimize MODEL       try what makes it faster and smaller, keep what was measured "
      "to "
      "pay\n"
      "  brisk VERB --help          a verb's options and an example");
  app.name("brisk");
  app.set_version_flag("--version", BRISK_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::help);
  int code = kDone;
  constexpr AddVerb kVerbs[] = {add_train,   add_evaluate, add_predict,  add_explain, add_profile,
                                add_inspect, add_import,   add_export,   add_prune,   add_quantize,
                                add_cluster, add_distill,  add_optimize, add_doctor,  add_demo,
                                add_bench,   add_ops};
  for (const AddVerb add : kVerbs) add(app, code);
  const std::vector<std::string> words = with_underscores(argc, argv);
  try {
    app.parse(
        std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes the last first
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "brisk: {}\nTry 'brisk {}--help'.\n", usage_error(app, words, error),
               app.get_subcommands().empty() ? "" : app.get_subcommands()[0]->get_name() + " ");
    return kWrongUsage;
  } catch (const brisk::InternalError& error) {
    fmt::print(stderr, "brisk: {}\n", error.what());
    return kDefect;
  } catch (const brisk::Error& error) {
    fmt::print(stderr, "brisk: {}\n", error.what());
    return kUserFault;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "brisk: out of memory; a smaller batch_size needs less\n");
    return kUserFault;
  } catch (const std::exception& error) {
    fmt::print(stderr, "brisk: {}\n", error.what());
    return kDefect;
  }
  return code;
}
