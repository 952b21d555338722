#include <fmt/format.h>

#include "brisk/base/json.h"
#include "brisk/cli/ops_markdown.h"
#include "brisk/cli/verb.h"
#include "brisk/ops/standard.h"

namespace brisk::cli {
namespace {

struct OpsOptions {
  bool json = false, markdown = false;
};

int ops(const OpsOptions& options) {
  if (options.markdown) {
    fmt::print("{}", ops_markdown(*standard_ops()));
    return kDone;
  }
  for (const Op* op : standard_ops()->all()) {
    if (options.json)
      fmt::print("{}\n", Json({{"name", op->name},
                               {"kind", std::string(name(op->kind))},
                               {"doc", op->doc_text},
                               {"differentiable", op->differentiable},
                               {"expr", op->expr_rule != nullptr},
                               {"decomposes", op->decompose_rule != nullptr}})
                             .dump());
    else
      fmt::print("{:32} {:12} {}\n", op->name, name(op->kind), op->doc_text);
  }
  return kDone;
}

}  // namespace

void add_ops(CLI::App& app, int& code) {
  auto options = std::make_shared<OpsOptions>();
  CLI::App* verb = app.add_subcommand("ops", "The ops of the graph, a line each");
  verb->footer("Example:\n  brisk ops --json");
  CLI::Option* json = verb->add_flag("--json", options->json, "Print one JSON object an op");
  verb->add_flag("--markdown", options->markdown, "Print docs/reference/ops.md")->excludes(json);
  verb->callback([options, &code] { code = ops(*options); });
}

}  // namespace brisk::cli
