#include "sweep/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "io/input_file.hpp"
#include "io/json.hpp"
#include "io/where.hpp"
#include "sweep/checked_line.hpp"
#include "sweep/features_hash.hpp"
#include "sweep/unit_index.hpp"

namespace itm::sweep {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;
using io::reason;

constexpr const char* schema = "itm.journal/1";

std::string text_of(const SweepShard& shard) { return fmt::format("{}/{}", shard.index, shard.count); }

std::string line_of(const JournalHeader& header) {
  return with_checksum(Json{{"schema", schema},
                            {"version", header.version},
                            {"backend", header.backend},
                            {"plan", header.plan},
                            {"features", header.features},
                            {"units", header.units},
                            {"shard", text_of(header.shard)}}
                           .dump()) +
         '\n';
}

template <typename... Args>
[[noreturn]] void refuse(const fs::path& file, fmt::format_string<Args...> sentence, Args&&... args) {
  throw InputError(path_text(file) + ": " + fmt::format(sentence, std::forward<Args>(args)...));
}

Json parse_header(const fs::path& file, const std::string& line) {
  if (!checksum_fits(line).value_or(true)) {
    refuse(file, "line 1 is damaged (its checksum does not fit); restore the file, or name another journal");
  }
  Json json;
  try {
    json = io::parse_json<Json>(line);
  } catch (const io::JsonError&) {  // said below
  }
  const auto is_text = [&](const char* key) { return json.contains(key) && json[key].is_string(); };
  if (!json.is_object() || !is_text("schema") || json["schema"] != schema || !is_text("version") ||
      !is_text("backend") || !is_text("plan") || !is_text("features") || !is_text("shard")) {
    refuse(file, "is no journal of a sweep; name another file");
  }
  return json;
}

[[noreturn]] void refuse_other_sweep(const fs::path& file) {
  refuse(file,
         "belongs to another sweep than this spec; restore the spec (it may gain methods and values of settings, and "
         "lose none), or name another journal");
}

/// Units have other numbers in a plan that has grown, and so other shards.
void check_plan(const fs::path& file, const Json& found, const std::string& plan) {
  if (found["plan"] != plan && found["shard"] != text_of(SweepShard{})) {
    refuse_other_sweep(file);
  }
}

void check_header(const fs::path& file, const Json& found, const JournalHeader& wanted, const SweepPlan& plan) {
  const auto text = [&](const char* key) { return printable(found[key].get<std::string>()); };
  check_plan(file, found, wanted.plan);
  if (found["plan"] != wanted.plan && found["features"] != wanted.features) {
    refuse_other_sweep(file);  // it has other data sets
  }
  if (found["version"] != wanted.version) {
    refuse(file, "was begun by itm {}, this is {}; end it with that version, or name another journal", text("version"),
           wanted.version);
  }
  if (found["features"] != wanted.features) {
    refuse(file, "was begun with other features or labels than {} holds now; restore them, or name another journal",
           path_text(plan.zoo.directory));
  }
  if (found["backend"] != wanted.backend) {
    refuse(file, "was begun on {}, this run is on {}; choose with --backend, or name another journal", text("backend"),
           wanted.backend);
  }
  if (found["shard"] != text_of(wanted.shard)) {
    refuse(file, "is of shard {}, this run is of {}; name another journal", text("shard"), text_of(wanted.shard));
  }
}

/// What stands in a journal, up to where it is whole.
struct Contents {
  Json header;  ///< null: there is none yet
  std::vector<std::pair<std::string, SweepRow>> lines;
  std::size_t whole = 0;      ///< bytes; what follows was cut short
  std::size_t unchecked = 0;  ///< lines without a checksum
};

/// `check` looks at the header before any unit is read. `begun` is how a journal of this run begins: a file that holds
/// only a piece of that was cut short in its first line.
template <typename Check>
Contents parse(const fs::path& file, const SweepPlan& plan, const std::string& text, const std::string& begun,
               Check check) {
  Contents contents;
  const std::size_t end_of_header = text.find('\n');
  if (end_of_header == std::string::npos) {
    if (!begun.starts_with(text)) {
      refuse(file, "is no journal of a sweep; name another file");
    }
    return contents;
  }
  const std::string first = text.substr(0, end_of_header);
  contents.header = parse_header(file, first);
  const bool is_old = !checksum_fits(first);
  check(contents.header);
  contents.whole = end_of_header + 1;
  std::optional<UnitIndex> grown;
  if (contents.header["plan"] != plan.hash) {
    grown.emplace(plan);
  }
  for (std::size_t number = 2; contents.whole < text.size(); ++number) {
    const std::size_t end = text.find('\n', contents.whole);
    if (end == std::string::npos) {
      break;
    }
    std::string line = text.substr(contents.whole, end - contents.whole);
    try {
      SweepRow row = grown ? read_line_of_grown(*grown, line) : read_journal_line(plan, line);
      const bool unchecked = !checksum_fits(line);
      if (unchecked && !is_old) {
        throw InputError("it has no checksum");
      }
      contents.unchecked += unchecked ? 1 : 0;
      contents.lines.emplace_back(std::move(line), std::move(row));
    } catch (const UnknownUnit&) {
      refuse_other_sweep(file);
    } catch (const InputError& error) {
      if (end + 1 == text.size()) {
        break;  // the last line: a power failure may leave a line break after half a line
      }
      refuse(file, "line {} is damaged ({}); delete the line, and its unit runs again", number, error.what());
    }
    contents.whole = end + 1;
  }
  return contents;
}

}  // namespace

JournalHeader header_of(const SweepPlan& plan, const SweepOptions& options) {
  return {ITM_VERSION,       options.backend, plan.hash, features_hash(plan, options.threads),
          plan.units.size(), options.shard};
}

Journal::Journal(fs::path file, const JournalHeader& header, const SweepPlan& plan)
    : file_(std::move(file)), header_(line_of(header)) {
  open_locked();
  try {
    read(header, plan);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

Journal::~Journal() { ::close(fd_); }

void Journal::open_locked() {
  for (;;) {
    fd_ = io::open_without_waiting(file_, O_RDWR | O_CREAT | O_APPEND, 0666);
    if (fd_ < 0) {
      refuse(file_, "the journal cannot be written ({}); name another file", reason(errno));
    }
    try {
      (void)io::regular_size({file_, {}}, fd_);
    } catch (...) {
      ::close(fd_);
      throw;
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(fd_);
      if (error == EWOULDBLOCK) {
        refuse(file_, "another process works on this sweep; wait for it, or name another journal");
      }
      refuse(file_, "the journal cannot be locked ({}); name a file on another file system", reason(error));
    }
    // Somebody may have finished, and put a file in order in its place, between the two calls.
    struct stat mine {};
    struct stat there {};
    if (::fstat(fd_, &mine) == 0 && ::stat(file_.c_str(), &there) == 0 && mine.st_ino == there.st_ino &&
        mine.st_dev == there.st_dev) {
      return;
    }
    ::close(fd_);
  }
}

void Journal::read(const JournalHeader& header, const SweepPlan& plan) {
  const std::string text = io::read_text({file_, {}}, fd_, io::TextKind::journal);
  Contents contents =
      parse(file_, plan, text, header_, [&](const Json& found) { check_header(file_, found, header, plan); });
  if (contents.whole < text.size()) {
    truncate(contents.whole);
  }
  if (contents.header.is_null()) {
    write(header_);
  }
  unchecked_ = contents.unchecked;
  for (auto& [line, row] : contents.lines) {
    const std::size_t index = row.unit.index;
    in_order_ = in_order_ && (lines_.empty() || lines_.rbegin()->first < index);
    lines_.emplace(index, std::move(line));
    rows_.emplace(index, std::move(row));
  }
  if (!contents.header.is_null() && contents.header["plan"] != header.plan) {
    renumber();
  }
}

void Journal::renumber() {
  for (auto& [index, line] : lines_) {
    line = to_journal_line(rows_.at(index));
  }
  in_order_ = false;
  finish();
  ::close(std::exchange(fd_, -1));  // of the file that was replaced
  open_locked();
}

void Journal::append(const SweepRow& row) {
  const bool last = lines_.empty() || lines_.rbegin()->first < row.unit.index;
  std::string line = to_journal_line(row);
  write(line + '\n');
  in_order_ = in_order_ && last;
  lines_.emplace(row.unit.index, std::move(line));
}

void Journal::add(const SweepRow& row) {
  in_order_ = !lines_.emplace(row.unit.index, to_journal_line(row)).second && in_order_;
}

void Journal::finish() {
  if (in_order_) {
    return;
  }
  std::string text = header_;
  for (const auto& [index, line] : lines_) {
    text += (checksum_fits(line) ? line : with_checksum(line)) + '\n';
  }
  write_file_atomically(file_, text);
  in_order_ = true;
}

void Journal::write(const std::string& line) const {
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno != EINTR) {
      refuse(file_, "the journal cannot be written ({}); free space and run the same command again", reason(errno));
    }
    rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  if (::fsync(fd_) != 0 && errno != EINVAL && errno != EROFS) {  // pipes and the like have nothing to flush
    refuse(file_, "the journal cannot be written ({}); free space and run the same command again", reason(errno));
  }
}

void Journal::truncate(std::size_t size) const {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) {
    refuse(file_, "the journal cannot be written ({}); name another file", reason(errno));
  }
}

std::vector<SweepRow> parse_journal(const fs::path& file, const SweepPlan& plan, const std::string& text) {
  std::vector<SweepRow> rows;
  Contents contents = parse(file, plan, text, text, [&](const Json& found) { check_plan(file, found, plan.hash); });
  for (auto& [line, row] : contents.lines) {
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<SweepRow> peek_journal(const fs::path& file, const SweepPlan& plan) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    return {};
  }
  return parse_journal(file, plan, io::read_text(file, io::TextKind::journal));
}

}  // namespace itm::sweep
