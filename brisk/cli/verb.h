#pragma once

/// Verbs of the command line: one file each. A verb adds its subcommand with help and an example
/// and runs when it was chosen.
///
/// Exit codes: 0 done; 1 the caller's fault (the message says what to do); 2 wrong usage; 3 a
/// defect of brisk; 130 stopped by a signal, everything saved.

#include <CLI/CLI.hpp>

namespace brisk::cli {

inline constexpr int kDone = 0, kUserFault = 1, kWrongUsage = 2, kDefect = 3, kStopped = 130;

/// Adds a subcommand whose callback stores its exit code in `code`.
using AddVerb = void (*)(CLI::App& app, int& code);

void add_train(CLI::App& app, int& code);
void add_evaluate(CLI::App& app, int& code);
void add_predict(CLI::App& app, int& code);
void add_explain(CLI::App& app, int& code);
void add_profile(CLI::App& app, int& code);
void add_inspect(CLI::App& app, int& code);
void add_doctor(CLI::App& app, int& code);
void add_demo(CLI::App& app, int& code);
void add_bench(CLI::App& app, int& code);
void add_ops(CLI::App& app, int& code);
void add_import(CLI::App& app, int& code);
void add_export(CLI::App& app, int& code);
void add_prune(CLI::App& app, int& code);
void add_quantize(CLI::App& app, int& code);
void add_cluster(CLI::App& app, int& code);
void add_distill(CLI::App& app, int& code);
void add_optimize(CLI::App& app, int& code);

}  // namespace brisk::cli
