#pragma once
// The journal of a sweep: a header, then one line of JSON per finished unit. A line is written by one write() and is on
// the disk before append() returns; a last line that a kill cut short is cut off when the file is opened again. Each
// line ends in a checksum; journals from before there were any still read.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "itm/sweep.hpp"

namespace itm::sweep {

/// What a journal must agree on before its units count.
struct JournalHeader {
  std::string version;   ///< of itm
  std::string backend;   ///< scores of two devices differ in their last bits
  std::string plan;      ///< SweepPlan::hash
  std::string features;  ///< features_hash()
  std::size_t units = 0;
  SweepShard shard;
};

/// The header for this plan and run; reads the features.
[[nodiscard]] JournalHeader header_of(const SweepPlan& plan, const SweepOptions& options);

class Journal {
 public:
  /// Opens or creates the file and keeps every other process out of it while the object lives. Throws InputError where
  /// it is in use, is no journal, or was begun by another version, device, sweep or shard, or with other features.
  Journal(std::filesystem::path file, const JournalHeader& header, const SweepPlan& plan);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// The units that were there when it was opened, by index.
  [[nodiscard]] std::map<std::size_t, SweepRow>& rows() { return rows_; }
  /// How many of them came without a checksum.
  [[nodiscard]] std::size_t unchecked() const { return unchecked_; }
  /// Throws InputError when the disk is full or fails; the unit then counts as not finished.
  void append(const SweepRow& row);
  /// Adds a unit that finish() will write.
  void add(const SweepRow& row);
  /// Puts the lines into plan order if they are not: units that ran beside one another end in any order.
  void finish();

 private:
  void open_locked();
  void read(const JournalHeader& header, const SweepPlan& plan);
  /// Makes the file one of this plan, which has grown since.
  void renumber();
  void write(const std::string& line) const;
  void truncate(std::size_t size) const;

  std::filesystem::path file_;
  int fd_ = -1;
  std::string header_;
  std::map<std::size_t, std::string> lines_;
  std::map<std::size_t, SweepRow> rows_;
  std::size_t unchecked_ = 0;
  bool in_order_ = true;
};

/// The finished units of a journal's text; `file` serves messages. Throws InputError where it belongs to another plan
/// or a line is damaged.
[[nodiscard]] std::vector<SweepRow> parse_journal(const std::filesystem::path& file, const SweepPlan& plan,
                                                  const std::string& text);

/// The finished units of a journal that is only looked at. Nothing where there is no file; throws InputError where it
/// belongs to another plan.
[[nodiscard]] std::vector<SweepRow> peek_journal(const std::filesystem::path& file, const SweepPlan& plan);

}  // namespace itm::sweep
