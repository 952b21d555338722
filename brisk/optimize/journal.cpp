#include "brisk/optimize/journal.h"

#include "brisk/base/file.h"
#include "brisk/formats/package/package.h"

namespace brisk {
namespace {

constexpr const char* kFile = "journal.json";

Model model_in(const std::filesystem::path& package) {
  Package found = read_package(package).value();
  return {found.name, found.program, found.weights, found.class_names};
}

}  // namespace

Journal::Journal(std::filesystem::path directory, Json about, bool resume)
    : directory_(std::move(directory)), about_(std::move(about)) {
  const std::filesystem::path path = directory_ / kFile;
  std::error_code error;
  const bool exists = std::filesystem::exists(path, error);
  require(resume || !exists,
          "{} holds an earlier optimization: go on with it by --resume, or choose another output",
          directory_.string());
  if (!exists) return;
  const Json json = parse_json(read_file(path, 1 << 26).value(), path.string()).value();
  try {
    for (const auto& [key, value] : about_.items()) {
      const Json& earlier = json.at("about").at(key);
      require(earlier == value,
              "{} is of an optimization whose {} was {}, but now it is {}: choose another output",
              path.string(), key, earlier.dump(), value.dump());
    }
    seconds_ = json.at("seconds").get<double>();
    plans_ = json.at("plans");
    candidates_ = json.at("candidates");
    trained_ = json.at("trained").get<std::string>();
    for (const Json& row : json.at("rows")) rows_.push_back(step_row_from_json(row));
  } catch (const Json::exception& problem) {
    refuse("{} cannot be read: {}", path.string(), problem.what());
  }
}

const StepRow* Journal::row(StepPhase phase, const std::string& step,
                            const std::string& without) const {
  for (const StepRow& row : rows_)
    if (row.phase == phase && row.step == step && row.without == without) return &row;
  return nullptr;
}

int64_t Journal::planned(const std::string& what, const std::function<int64_t()>& decide) {
  if (!plans_.contains(what)) {
    plans_[what] = decide();
    write();
  }
  return plans_.at(what).get<int64_t>();
}

Candidate Journal::candidate(const StepRow& row) const {
  const Json& json = candidates_.at(row.title());
  Candidate candidate;
  candidate.trained_package = json.at("trained").get<std::string>();
  candidate.trained = model_in(candidate.trained_package);
  candidate.served_package = json.at("served").get<std::string>();
  candidate.served = model_in(candidate.served_package);
  candidate.deployment = deployment_from_json(json.at("deployment"));
  if (!json.at("ranges").is_null()) candidate.ranges = ranges_from_json(json.at("ranges"));
  return candidate;
}

void Journal::add(const StepRow& row, double seconds, const Candidate* best) {
  rows_.push_back(row);
  seconds_ = seconds;
  if (best != nullptr)
    candidates_[row.title()] = {{"trained", best->trained_package.string()},
                                {"served", best->served_package.string()},
                                {"deployment", to_json(best->deployment)},
                                {"ranges", best->ranges ? to_json(*best->ranges) : Json()}};
  write();
}

void Journal::write() const {
  Json rows = Json::array();
  for (const StepRow& row : rows_) rows.push_back(to_json(row));
  std::filesystem::create_directories(directory_);
  write_file_atomically(directory_ / kFile, json_text({{"about", about_},
                                                       {"seconds", seconds_},
                                                       {"plans", plans_},
                                                       {"trained", trained_.string()},
                                                       {"candidates", candidates_},
                                                       {"rows", rows}},
                                                      1) +
                                                "\n")
      .value();
}

}  // namespace brisk
