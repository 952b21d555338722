#include <fmt/format.h>

#include "brisk/base/json.h"
#include "brisk/cli/verb.h"
#include "brisk/ops/standard.h"

namespace brisk::cli {

void add_ops(CLI::App& app, int& code) {
  auto json = std::make_shared<bool>(false);
  CLI::App* verb = app.add_subcommand("ops", "The ops of the graph, a line each");
  verb->footer("Example:\n  brisk ops --json");
  verb->add_flag("--json", *json, "Print one JSON object an op");
  verb->callback([json, &code] {
    for (const Op* op : standard_ops()->all()) {
      if (*json)
        fmt::print("{}\n", Json({{"name", op->name}, {"kind", std::string(name(op->kind))}, {"doc", op->doc_text},
                                 {"differentiable", op->differentiable}, {"expr", op->expr_rule != nullptr},
                                 {"decomposes", op->decompose_rule != nullptr}})
                               .dump());
      else
        fmt::print("{:32} {:12} {}\n", op->name, name(op->kind), op->doc_text);
    }
    code = kDone;
  });
}

}  // namespace brisk::cli
