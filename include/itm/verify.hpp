#pragma once
// Two runs of the same arithmetic, compared: a float64 autograd trace against this engine (`itm replay`), and the
// float64 reference against another precision or backend on a zoo (`itm verify`).

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "itm/engine.hpp"
#include "itm/estimator.hpp"
#include "itm/itm.hpp"
#include "itm/report.hpp"
#include "itm/zoo.hpp"

namespace itm {

/// How far one array is from its reference.
struct Deviation {
  std::string name;
  double absolute = 0;   ///< largest |got - want|
  double relative = 0;   ///< absolute / largest |want|
  double frobenius = 0;  ///< |got - want| / |want| in the Frobenius norm
  double tolerance = 0;
  bool within = false;
};

enum class Measure : std::uint8_t { relative, frobenius };

/// Throws InputError when the lengths differ. A non-finite difference is never within tolerance.
[[nodiscard]] Deviation compare(std::string name, std::span<const double> got, std::span<const double> want,
                                Measure measure, double tolerance);

/// Runs a folder laid out like the golden ITM traces (trace.json, feature, label, train_index, val_index, batches,
/// init_*; the references that are there: iter1_*, final_*) with explicit split, batches and initial parameters, and
/// compares every array. float64: 1e-9 relative to each array's largest element. float32: 1e-4 for dispersion, losses
/// and curve, 1e-3 in relative Frobenius norm for arrays. Runs on `engine` where there is one, else on the CPU.
[[nodiscard]] std::vector<Deviation> replay_trace(const std::filesystem::path& folder, Precision precision,
                                                  Recurrence recurrence, ItmEngine* engine = nullptr);

/// Worst deviation of one stage over the models of a data set.
struct StageDeviation {
  Deviation worst;
  std::string model;  ///< where it was seen
};

struct VerifyReport {
  std::string dataset;
  std::string method = "itm";
  Place place;  ///< where what is compared with the reference was computed
  std::vector<StageDeviation> stages;
  std::vector<std::string> reference_order;  ///< models, best first
  std::vector<std::string> other_order;
  /// ITM: up to models whose scores are within two validation rows of each other; others: up to those whose scores are
  /// equal to the tolerance.
  bool same_ranking = false;
  bool within = false;  ///< every stage within tolerance and the same ranking
};

/// CPU float64 against `other` on one data set, stage by stage (spec 6, `itm verify`). `other` runs on `engine` where
/// there is one, statistics included, else on the CPU.
[[nodiscard]] VerifyReport verify_dataset(const Zoo& zoo, const std::string& dataset, const ItmOptions& options,
                                          Precision other, int threads,
                                          const std::function<void(std::size_t, std::size_t)>& progress = {},
                                          const std::function<bool()>& cancelled = {}, ItmEngine* engine = nullptr);

/// A method other than ITM on one data set: scores and every number of its details, on `engine` against the CPU in
/// float64. Tolerance: the method's, 1e-6 mostly, relative to the largest number of its kind in the zoo: both sides
/// compute in float64, and conditions of 1e10 are what covariances of features have. Whole numbers must agree, except
/// where that tolerance is larger.
[[nodiscard]] VerifyReport verify_method(const Zoo& zoo, const std::string& dataset, const RankOptions& options,
                                         const std::string& method, const std::shared_ptr<ItmEngine>& engine);

}  // namespace itm
