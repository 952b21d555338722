// The search over made-up steps, whose accuracy and size are known: a step makes a class's score so
// low that it is never told, which costs a third of the accuracy, and shortens the package.

#include "brisk/optimize/deployment_search.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "brisk/base/philox.h"
#include "brisk/formats/package/package.h"
#include "tests/optimize/bands.h"
#include "tests/support/temporary_directory.h"

namespace brisk {
namespace {

Candidate served_as_trained(Candidate candidate) {
  candidate.trained_package.clear();
  candidate.served = candidate.trained;
  return candidate;
}

/// Without `classes`, and with names of `bytes`.
Candidate without_classes(const Candidate& best, std::initializer_list<int64_t> classes,
                          size_t bytes) {
  Candidate candidate = best;
  Model& model = candidate.trained;
  model.weights[1] = model.weights[1].clone();
  for (const int64_t c : classes) model.weights[1].set(c, -1e6);
  for (std::string& name : model.class_names) name.resize(bytes, name[0]);
  return served_as_trained(candidate);
}

const DeploymentStep kStart{"start",
                            [](OptimizeContext&, const Candidate& best) -> Result<Candidate> {
                              Candidate same = best;
                              same.served = same.trained;
                              return same;
                            }};
const DeploymentStep kSpender{"spender",
                              [](OptimizeContext&, const Candidate& best) -> Result<Candidate> {
                                return without_classes(best, {0}, 40000);
                              }};
const DeploymentStep kLarge{"large",
                            [](OptimizeContext&, const Candidate& best) -> Result<Candidate> {
                              return without_classes(best, {1}, 1000);
                            }};
/// Takes two classes by itself, which cannot be seen behind the spender.
const DeploymentStep kDeceiver{"deceiver",
                               [](OptimizeContext&, const Candidate& best) -> Result<Candidate> {
                                 return without_classes(best, {0, 1}, 1000);
                               }};
const DeploymentStep kImpossible{
    "impossible",
    [](OptimizeContext&, const Candidate&) -> Result<Candidate> { return fail("not today"); }};

class Search : public ::testing::Test {
 protected:
  void SetUp() override {
    test::write_bands(place_.path(), "images", 192, 5);
    const Model model = test::bands_model(60000);
    write_package(place_ / "model",
                  {model.program, model.weights, model.name, model.class_names, "", {}})
        .value();
  }

  /// Stopped before the `stop_at`th thing that begins, where that is not 0.
  std::vector<StepRow> run(const std::vector<DeploymentStep>& steps, int stop_at = 0,
                           bool resume = false) {
    Journal journal(place_ / "out", {{"of", "bands"}}, resume);
    OptimizeContext context;
    std::atomic<bool> stop{false};
    context.options = {.output = place_ / "out",
                       .target = OptimizeTarget::size,
                       .max_drop = 50,
                       .rounds = 3,
                       .threads = 1};
    context.observer.stop = &stop;
    int begun = 0;
    context.observer.on_message = [&](const std::string&) { stop = ++begun == stop_at; };
    context.recipe.validation = {.idx_images = place_ / "images-images",
                                 .idx_labels = place_ / "images-labels"};
    context.recipe.std = {255};
    context.start_package = place_ / "model";
    context.use(journal);
    DeploymentSearch search(context, journal, steps);
    stopped_ = false;
    try {
      best_ = search.run();
    } catch (const Stopped&) {
      stopped_ = true;
    }
    return journal.rows();
  }

  /// Runs in a process of its own, which is killed after `seconds`. Whether it came to its end.
  bool run_and_kill(const std::vector<DeploymentStep>& steps, double seconds, bool resume) {
    const pid_t child = fork();
    if (child == 0) {
      run(steps, 0, resume);
      _exit(0);
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFEXITED(status);
  }

  test::TemporaryDirectory place_;
  BestCandidate best_;
  bool stopped_ = false;
};

std::vector<std::string> told(const std::vector<StepRow>& rows) {
  std::vector<std::string> lines;
  for (const StepRow& row : rows)
    lines.push_back(row.title() + ": " +
                    std::string(enum_names(row.verdict)[static_cast<size_t>(row.verdict)]) +
                    (row.over_budget ? ", over budget" : ""));
  return lines;
}

TEST_F(Search, GivesAKeptStepUpForWhatIsBetterWithoutIt) {
  const std::vector<StepRow> rows = run({kStart, kSpender, kImpossible, kLarge});
  EXPECT_EQ(told(rows),
            (std::vector<std::string>{"start: start", "spender: kept", "impossible: not tried",
                                      "large: not kept, over budget",
                                      "impossible, without spender: not tried",
                                      "large, without spender: kept", "without spender: kept"}));
  EXPECT_EQ(best_.candidate.trained.weights[1].get(0), 0) << "the spender's is gone";
  EXPECT_LT(best_.candidate.trained.weights[1].get(1), -1e5);
  EXPECT_EQ(best_.figures.bytes, rows[5].figures.bytes);
  EXPECT_EQ(read_package(best_.candidate.served_package).value().class_names[0].size(), 1000u);
  EXPECT_GT(rows[6].gains.bytes, 2);
}

TEST_F(Search, KeepsTheFirstWayWhereTheOtherLeadsToLess) {
  const std::vector<StepRow> rows = run({kStart, kSpender, kDeceiver});
  EXPECT_EQ(told(rows),
            (std::vector<std::string>{
                "start: start", "spender: kept", "deceiver: not kept, over budget",
                "deceiver, without spender: not kept, over budget", "without spender: not kept"}));
  EXPECT_LT(best_.candidate.trained.weights[1].get(0), -1e5);
  EXPECT_EQ(best_.figures.bytes, rows[1].figures.bytes);
}

TEST_F(Search, GoesOnWhereverItWasStopped) {
  const std::vector<DeploymentStep> steps = {kStart, kSpender, kImpossible, kLarge};
  std::vector<StepRow> rows;
  int rounds = 0;
  do {
    ASSERT_LT(++rounds, 50);
    rows = run(steps, 2, rounds > 1);
  } while (stopped_);
  EXPECT_GT(rounds, 2);
  EXPECT_EQ(told(rows).back(), "without spender: kept");
  EXPECT_EQ(rows.size(), 7u);
  const auto served = best_.candidate.served_package;
  const std::vector<StepRow> again = run(steps, 0, true);
  ASSERT_EQ(again.size(), rows.size()) << "nothing is measured again";
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(to_json(again[i]), to_json(rows[i]));
  EXPECT_EQ(best_.candidate.served_package, served);
  EXPECT_EQ(best_.figures, rows.back().figures);
}

TEST_F(Search, LosesNothingWhereverItIsKilled) {
  const std::vector<DeploymentStep> steps = {kStart, kSpender, kImpossible, kLarge};
  const auto start = std::chrono::steady_clock::now();
  const std::vector<StepRow> whole = run(steps);
  const double duration =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::filesystem::remove_all(place_ / "out");

  const auto journal = place_ / "out" / "journal.json";
  PhiloxSequence random(31);
  std::vector<std::string> seen;  // rows that were on disk when it was killed
  int kills = 0, kills_on_the_way_back = 0;
  for (bool ended = false; !ended || kills_on_the_way_back == 0; ++kills) {
    ASSERT_LT(kills, 200);
    if (ended) std::filesystem::remove_all(place_ / "out"), seen.clear();
    // Short lives at first: a life has to be as long as one step to leave anything behind.
    ended = run_and_kill(steps, random.next_unit() * duration * (kills < 20 ? 0.4 : 1.5),
                         std::filesystem::exists(journal));
    if (!std::filesystem::exists(journal)) continue;
    std::vector<std::string> rows = told(Journal(place_ / "out", {{"of", "bands"}}, true).rows());
    ASSERT_GE(rows.size(), seen.size());
    EXPECT_TRUE(std::equal(seen.begin(), seen.end(), rows.begin())) << "what was done is done";
    kills_on_the_way_back += !ended && rows.size() >= 4 && rows.size() < 7 ? 1 : 0;
    seen = std::move(rows);
  }
  EXPECT_EQ(seen, told(whole));
  EXPECT_GT(kills, 3);
  run(steps, 0, true);
  EXPECT_EQ(best_.candidate.trained.weights[1].get(0), 0);
  EXPECT_EQ(best_.figures.bytes, whole[5].figures.bytes);
  EXPECT_EQ(read_package(best_.candidate.served_package).value().class_names[0].size(), 1000u);
}

}  // namespace
}  // namespace brisk
