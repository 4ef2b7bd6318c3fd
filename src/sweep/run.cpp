// Runs the units that the journal does not have, and joins the journals of shards.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <chrono>
#include <map>
#include <optional>
#include <string_view>

#include "core/text.hpp"
#include "itm/error.hpp"
#include "itm/sweep.hpp"
#include "sweep/journal.hpp"

namespace itm {
namespace {

using Clock = std::chrono::steady_clock;
using Rows = std::map<std::size_t, SweepRow>;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void check(const SweepShard& shard) {
  if (shard.count == 0 || shard.index == 0 || shard.index > shard.count) {
    throw InputError(
        fmt::format("the shard {}/{} does not exist; the first of n is 1/n, the last n/n", shard.index, shard.count));
  }
}

SweepReport report_of(const SweepPlan& plan, const SweepOptions& options, Rows&& rows) {
  SweepReport report;
  report.units = plan.units.size();
  report.threads = options.threads;
  report.backend = options.backend;
  for (auto& [index, row] : rows) {
    if (plan.truth) {
      RankReport one;
      one.results.push_back(std::move(row.result));
      add_agreement(one, *plan.truth);
      row.result = std::move(one.results.front());
    }
    report.rows.push_back(std::move(row));
  }
  return report;
}

/// "the same command goes on", where there is a journal that makes it so.
[[noreturn]] void say_interrupted(const SweepOptions& options, std::size_t finished) {
  if (options.journal.empty()) {
    throw Interrupted();
  }
  throw Error(ExitStatus::interrupted,
              fmt::format("interrupted; {} keeps the {} finished unit{}, and the same command goes on from there",
                          path_text(shard_journal(options.journal, options.shard)), with_commas(finished),
                          finished == 1 ? "" : "s"));
}

/// The journals of shards beside `journal`: how many there should be, and the files that there are.
struct ShardFiles {
  std::size_t count = 0;
  std::map<std::size_t, std::filesystem::path> files;
};

/// "3-of-8", as the names of the journals of shards end.
std::optional<SweepShard> shard_at(std::string_view ending) {
  const auto number = [](std::string_view text) {
    std::size_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && stop == text.data() + text.size();
    return whole && text.front() != '0' && text.size() <= 6 ? value : 0;
  };
  constexpr std::string_view of = "-of-";
  const std::size_t at = ending.find(of);
  if (at == std::string_view::npos) {
    return {};
  }
  const SweepShard shard{number(ending.substr(0, at)), number(ending.substr(at + of.size()))};
  return shard.index != 0 && shard.count != 0 ? std::optional(shard) : std::nullopt;
}

ShardFiles find_shards(const std::filesystem::path& journal) {
  ShardFiles found;
  const std::string start = journal.filename().string() + ".";
  const std::filesystem::path folder = journal.has_parent_path() ? journal.parent_path() : ".";
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const auto shard = name.starts_with(start) ? shard_at(std::string_view(name).substr(start.size())) : std::nullopt;
    if (!shard) {
      continue;
    }
    if (found.count != 0 && found.count != shard->count) {
      throw InputError(fmt::format("{}: there are shards of {} and of {}; delete those that are not wanted",
                                   path_text(journal), std::min(found.count, shard->count),
                                   std::max(found.count, shard->count)));
    }
    found.count = shard->count;
    found.files[shard->index] = folder / name;
  }
  if (found.files.empty()) {
    throw InputError(
        fmt::format("{}.1-of-n: no journal of a shard is there; run itm sweep with --shard first", path_text(journal)));
  }
  return found;
}

void require_all(const SweepPlan& plan, const Rows& rows, std::size_t shards) {
  std::map<std::size_t, std::size_t> missing;  // shard -> units
  for (const SweepUnit& unit : plan.units) {
    if (rows.count(unit.index) == 0) {
      ++missing[unit.index % shards + 1];
    }
  }
  if (missing.empty()) {
    return;
  }
  std::size_t sum = 0;
  std::vector<std::string> names;
  for (const auto& [shard, units] : missing) {
    sum += units;
    names.push_back(fmt::format("{}/{} ({})", shard, shards, units));
  }
  throw InputError(fmt::format("{} of {} units are missing, in {} {}; run {} again before itm sweep merge",
                               with_commas(sum), with_commas(plan.units.size()), names.size() == 1 ? "shard" : "shards",
                               fmt::join(names, ", "), names.size() == 1 ? "it" : "them"));
}

}  // namespace

std::filesystem::path shard_journal(const std::filesystem::path& journal, const SweepShard& shard) {
  if (shard.count == 1) {
    return journal;
  }
  return std::filesystem::path(journal) += fmt::format(".{}-of-{}", shard.index, shard.count);
}

SweepRow score_unit(const SweepPlan& plan, const SweepUnit& unit, const SweepOptions& options) {
  const Clock::time_point start = Clock::now();
  RankOptions rank;
  rank.datasets = {unit.dataset};
  rank.method = unit.method;
  rank.jackknife = 0;  // unless the spec asks for it: rankings are compared over seeds and settings
  for (const auto& [name, value] : unit.settings) {
    apply_setting(rank, name, value);
  }
  rank.engine = options.engine;
  rank.device = options.engine ? Backend::automatic : Backend::cpu;
  rank.cancelled = options.cancelled;
  rank.threads = options.threads;
  rank.keep_going = options.keep_going;
  SweepRow row;
  row.unit = unit;
  try {
    RankReport report = rank_zoo(plan.zoo, rank);
    row.result = std::move(report.results.at(0));
    row.failures = std::move(report.failures);
    row.skipped = std::move(report.skipped);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {  // of the data set as a whole: those of models are in the report
    if (!options.keep_going) {
      const std::string sentence = fmt::format("{} by {}: {}", unit.dataset, unit.method, error.what());
      if (error.status() == ExitStatus::bad_input) {
        throw InputError(sentence);
      }
      throw Error(error.status(), sentence);
    }
    row.result.dataset = unit.dataset;
    row.result.method = unit.method;
    row.failures = {{unit.dataset, "", unit.method, error.what()}};
  }
  row.seconds = seconds_since(start);
  return row;
}

SweepReport run_sweep(const SweepPlan& plan, const SweepOptions& options) {
  const Clock::time_point start = Clock::now();
  check(options.shard);
  std::optional<sweep::Journal> journal;
  std::size_t unchecked = 0;
  Rows rows;
  if (!options.journal.empty()) {
    journal.emplace(shard_journal(options.journal, options.shard), sweep::header_of(plan, options), plan);
    rows = std::move(journal->rows());
    unchecked = journal->unchecked();
  }
  const std::size_t resumed = rows.size();
  std::vector<SweepUnit> missing;
  for (const SweepUnit& unit : plan.units) {
    if (options.shard.has(unit) && rows.count(unit.index) == 0) {
      missing.push_back(unit);
    }
  }
  const std::size_t all = resumed + missing.size();
  const auto tell = [&] {
    if (options.progress) {
      options.progress(rows.size(), all);
    }
  };
  const auto finished = [&](SweepRow row) {
    if (journal) {
      journal->append(row);
    }
    rows.emplace(row.unit.index, std::move(row));
    tell();
    if (options.cancelled && options.cancelled()) {
      throw Interrupted();
    }
  };
  tell();
  try {
    if (options.workers) {
      options.workers(missing, finished);
    } else {
      for (const SweepUnit& unit : missing) {
        finished(score_unit(plan, unit, options));
      }
    }
  } catch (const Interrupted&) {
    say_interrupted(options, rows.size());
  }
  if (journal) {
    journal->finish();
  }
  SweepReport report = report_of(plan, options, std::move(rows));
  report.resumed = resumed;
  report.unchecked = unchecked;
  report.seconds = seconds_since(start);
  return report;
}

SweepReport merge_sweep(const SweepPlan& plan, const SweepOptions& options) {
  const Clock::time_point start = Clock::now();
  const ShardFiles shards = find_shards(options.journal);
  sweep::JournalHeader header = sweep::header_of(plan, options);
  Rows rows;
  std::size_t unchecked = 0;
  for (const auto& [index, file] : shards.files) {
    header.shard = {index, shards.count};
    sweep::Journal shard(file, header, plan);
    unchecked += shard.unchecked();
    rows.merge(shard.rows());
  }
  require_all(plan, rows, shards.count);
  header.shard = {};
  sweep::Journal journal(options.journal, header, plan);
  for (const auto& [index, row] : rows) {
    journal.add(row);
  }
  journal.finish();
  SweepReport report = report_of(plan, options, std::move(rows));
  report.resumed = report.rows.size();
  report.unchecked = unchecked;
  report.seconds = seconds_since(start);
  return report;
}

}  // namespace itm
