// `itm inspect`: what a zoo holds, the feature statistics of the paper's Fig. 6, and what is wrong with it.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.hpp"
#include "cli/names.hpp"
#include "cli/signals.hpp"
#include "cli/zoo_option.hpp"
#include "core/text.hpp"
#include "core/work_pool.hpp"
#include "itm/itm.hpp"
#include "itm/zoo.hpp"
#include "report/agreement_json.hpp"
#include "report/csv_field.hpp"
#include "report/text_table.hpp"

namespace itm::cli {
namespace {

using Json = nlohmann::ordered_json;

struct InspectArguments {
  ZooChoice zoo;
  std::filesystem::path truth;
};

/// What was found out about one (model, data set); what could not be read is absent and stands among the problems.
struct Finding {
  ZooEntry entry;
  std::optional<Labels> labels;
  std::optional<Targets> targets;
  std::string dtype;
  std::size_t rows = 0;
  std::size_t dims = 0;
  std::uintmax_t bytes = 0;
  std::optional<FeatureStatistics> statistics;
  std::vector<std::string> problems;  ///< it cannot be ranked
  std::vector<std::string> remarks;   ///< it can, and somebody should know
};

using Findings = std::vector<Finding>;  ///< of one data set

/// Runs `read` and keeps what it has to complain about.
template <typename Read>
void attempt(Finding& finding, Read read) {
  try {
    read();
  } catch (const InputError& error) {
    finding.problems.emplace_back(error.what());
  }
}

Finding look_at(const ZooEntry& entry) {
  Finding f;
  f.entry = entry;
  bool readable = false;  // labels are read for the rows of features, so that no file alone decides how many
  attempt(f, [&] { readable = count_rows(entry.feature.file, entry.feature.key) > 0; });
  if (!readable) {
    return f;
  }
  attempt(f, [&] {
    if (entry.target) {
      f.targets = read_entry_targets(entry);
    } else {
      f.labels = read_entry_labels(entry);
    }
  });
  attempt(f, [&] {
    if (entry.split) {
      (void)read_entry_split(entry);
    }
  });
  attempt(f, [&] {
    const Array feature = entry.feature.read();
    f.dtype = name_of(feature.dtype());
    f.rows = feature.rows();
    f.dims = feature.cols();
    f.bytes = feature.bytes();
    if (f.labels) {
      f.statistics = measure_features(feature, *f.labels, Standardise::dim);
    }
  });
  if (f.statistics && f.statistics->constant_columns > 0) {
    f.remarks.push_back(fmt::format("{}: {} of {} columns are constant; harmless, but check the extraction",
                                    path_text(entry.feature.file), with_commas(f.statistics->constant_columns),
                                    with_commas(f.dims)));
  }
  return f;
}

/// All models of a data set see the same images in the same order.
void compare_labels(Findings& models) {
  const auto reference =
      std::find_if(models.begin(), models.end(), [](const Finding& f) { return f.labels.has_value(); });
  for (Finding& f : models) {
    if (f.labels && f.labels->values != reference->labels->values) {
      f.problems.push_back(fmt::format("{}: labels differ from {}; extract both from the same images in the same order",
                                       path_text(f.entry.label.file), path_text(reference->entry.label.file)));
    }
  }
}

/// Each once: models may share a file.
std::vector<std::string> all_of(std::vector<std::string> Finding::*kind, const std::map<std::string, Findings>& zoo) {
  std::vector<std::string> all;
  for (const auto& [dataset, models] : zoo) {
    for (const Finding& f : models) {
      all.insert(all.end(), (f.*kind).begin(), (f.*kind).end());
    }
  }
  return each_once(all);
}

Json to_json(const Finding& f) {
  const auto known = [&](auto value) { return f.dims > 0 ? Json(value) : Json(nullptr); };
  const auto statistic = [&](auto read) { return f.statistics ? Json(read(*f.statistics)) : Json(nullptr); };
  return {{"model", f.entry.model},
          {"file", f.entry.feature.file.string()},
          {"dtype", known(f.dtype)},
          {"rows", known(f.rows)},
          {"dims", known(f.dims)},
          {"bytes", known(f.bytes)},
          {"classes", f.labels ? Json(f.labels->classes) : Json(nullptr)},
          {"targets", f.targets ? Json(f.targets->count) : Json(nullptr)},
          {"feature_mean", statistic([](const auto& s) { return s.feature_mean; })},
          {"feature_variance", statistic([](const auto& s) { return s.feature_variance; })},
          {"dispersion", statistic([](const auto& s) { return s.dispersion; })},
          {"constant_columns", statistic([](const auto& s) { return s.constant_columns; })},
          {"has_output", f.entry.output.has_value()},
          {"has_source", f.entry.source.has_value()},
          {"problems", f.problems},
          {"remarks", f.remarks}};
}

std::string as_json(const InspectArguments& o, const std::map<std::string, Findings>& zoo) {
  Json json{{"schema", "itm.inspect/1"}, {"zoo", o.zoo.folder.string()}, {"datasets", Json::array()}};
  for (const auto& [dataset, models] : zoo) {
    Json list = Json::array();
    for (const Finding& f : models) {
      list.push_back(to_json(f));
    }
    json["datasets"].push_back({{"dataset", dataset}, {"models", std::move(list)}});
  }
  return dump(json);
}

std::string as_csv(const std::map<std::string, Findings>& zoo, CsvText text) {
  std::string csv =
      "dataset,model,dtype,rows,dims,classes,feature_mean,feature_variance,dispersion,output,source,problems,remarks\n";
  for (const auto& [dataset, models] : zoo) {
    for (const Finding& f : models) {
      const auto statistic = [&](double FeatureStatistics::*member) {
        return f.statistics ? csv_number((*f.statistics).*member) : std::string();
      };
      csv +=
          fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_field(dataset, text),
                      csv_field(f.entry.model, text), f.dtype, f.dims > 0 ? std::to_string(f.rows) : "",
                      f.dims > 0 ? std::to_string(f.dims) : "", f.labels ? std::to_string(f.labels->classes) : "",
                      statistic(&FeatureStatistics::feature_mean), statistic(&FeatureStatistics::feature_variance),
                      statistic(&FeatureStatistics::dispersion), f.entry.output ? "yes" : "no",
                      f.entry.source ? "yes" : "no", csv_field(fmt::format("{}", fmt::join(f.problems, " | ")), text),
                      csv_field(fmt::format("{}", fmt::join(f.remarks, " | ")), text));
    }
  }
  return csv;
}

std::string title_of(const std::string& dataset, const Findings& models, Paint paint) {
  const auto readable =
      std::find_if(models.begin(), models.end(), [](const Finding& f) { return f.labels.has_value(); });
  std::string facts = "no readable labels";
  const auto with_targets =
      std::find_if(models.begin(), models.end(), [](const Finding& f) { return f.targets.has_value(); });
  if (with_targets != models.end()) {
    const Targets& targets = *with_targets->targets;
    facts = fmt::format("{} rows, {} each", with_commas(targets.rows()),
                        targets.kind == TargetKind::labels ? plural(targets.count, "label") + " (0 or 1)"
                                                           : plural(targets.count, "number"));
  }
  if (readable != models.end()) {
    const std::vector<std::size_t> sizes = readable->labels->class_sizes();
    const auto [smallest, largest] = std::minmax_element(sizes.begin(), sizes.end());
    facts = fmt::format("{} rows, {} classes of {} rows each", with_commas(readable->labels->values.size()),
                        with_commas(readable->labels->classes),
                        *smallest == *largest ? with_commas(*smallest)
                                              : fmt::format("{} to {}", with_commas(*smallest), with_commas(*largest)));
  }
  return fmt::format("{}  {}\n", paint.bold(printable(dataset, 200)), paint.dim(facts));
}

std::string as_table(const InspectArguments& o, const std::map<std::string, Findings>& zoo, Paint paint) {
  using Align = TextTable::Align;
  std::string text;
  std::size_t pairs = 0;
  const std::vector<std::string> problems = all_of(&Finding::problems, zoo);
  const std::vector<std::string> remarks = all_of(&Finding::remarks, zoo);
  for (const auto& [dataset, models] : zoo) {
    TextTable table({{"model", Align::left},
                     {"type", Align::left},
                     {"rows"},
                     {"dims"},
                     {"mean"},
                     {"variance"},
                     {"dis"},
                     {"output"},
                     {"source"}});
    for (const Finding& f : models) {
      const auto statistic = [&](double FeatureStatistics::*member, int digits) {
        return f.statistics ? fmt::format("{:.{}f}", (*f.statistics).*member, digits) : std::string("-");
      };
      table.add({f.entry.model, f.dims > 0 ? f.dtype : "-", f.dims > 0 ? with_commas(f.rows) : "-",
                 f.dims > 0 ? with_commas(f.dims) : "-", statistic(&FeatureStatistics::feature_mean, 3),
                 statistic(&FeatureStatistics::feature_variance, 3), statistic(&FeatureStatistics::dispersion, 2),
                 f.entry.output ? "yes" : "-", f.entry.source ? "yes" : "-"},
                f.problems.empty() ? TextTable::Style::plain : TextTable::Style::bad);
    }
    text += title_of(dataset, models, paint) + table.text(paint) + "\n";
    pairs += models.size();
  }
  for (const std::string& problem : problems) {
    text += paint.bad("problem: ") + printable(problem, 1000) + "\n";
  }
  for (const std::string& remark : remarks) {
    text += "note: " + printable(remark, 1000) + "\n";
  }
  return text + fmt::format("{}{}: {} feature file{} on {} data set{}, {}\n",
                            problems.empty() && remarks.empty() ? "" : "\n", path_text(o.zoo.folder),
                            with_commas(pairs), pairs == 1 ? "" : "s", zoo.size(), zoo.size() == 1 ? "" : "s",
                            problems.empty()
                                ? paint.good(remarks.empty() ? "no problems" : "nothing that keeps it from a ranking")
                                : paint.bad(plural(problems.size(), "problem")));
}

/// Looks at every entry of the chosen data sets, several at a time.
std::map<std::string, Findings> look_at_all(const InspectArguments& o, const Context& context) {
  context.reads("the file of --truth", o.truth);
  const Zoo zoo =
      find_zoo(o.zoo, o.truth.empty() ? std::vector<std::string>() : read_ground_truth(o.truth).datasets, context);
  context.computes_from(zoo, o.zoo.datasets);
  std::map<std::string, Findings> found;
  std::vector<std::pair<const ZooEntry*, Finding*>> units;
  for (const std::string& dataset : o.zoo.datasets.empty() ? zoo.dataset_names() : each_once(o.zoo.datasets)) {
    const std::vector<ZooEntry>& entries = zoo.entries(dataset);
    Findings& findings = found[dataset];
    findings.resize(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      units.emplace_back(&entries[i], &findings[i]);
    }
  }
  const auto bar = context.progress("reading");
  std::mutex guard;
  std::size_t done = 0;
  for_each_unit(units.size(), context.threads, [&](std::size_t i) {
    if (cancelled()) {
      throw Interrupted();
    }
    *units[i].second = look_at(*units[i].first);
    const std::lock_guard lock(guard);
    bar->update(++done, units.size());
  });
  for (auto& [dataset, findings] : found) {
    compare_labels(findings);
  }
  return found;
}

ExitStatus inspect(const InspectArguments& o, const Context& context) {
  const std::map<std::string, Findings> zoo = look_at_all(o, context);
  context.write(context.in_format([&] { return as_json(o, zoo); }, [&] { return as_csv(zoo, context.csv_text()); },
                                  [&] { return as_table(o, zoo, context.paint()); }));
  return all_of(&Finding::problems, zoo).empty() ? ExitStatus::success : ExitStatus::comparison_failed;
}

}  // namespace

Command inspect_command() {
  return {
      "inspect", "Show what a zoo holds and what is wrong with it", [](CLI::App& app, Context& context) -> Action {
        auto o = std::make_shared<InspectArguments>();
        add_zoo(app, o->zoo, "This data set only; can be repeated");
        app.add_option("--truth", o->truth, "CSV whose columns tell data set names that hold underscores")
            ->type_name("CSV");
        app.footer(
            "Examples:\n"
            "  itm inspect examples/glyphs\n"
            "  itm inspect my_zoo --dataset pets --format json\n"
            "\n"
            "mean and variance are averages over the columns (the paper's Fig. 6); dis is the dispersion of eq. 12.\n"
            "Problems keep a model from being ranked, and the exit status is 1; notes do not, and it is 0.");
        return [o, &context] { return inspect(*o, context); };
      }};
}

}  // namespace itm::cli
