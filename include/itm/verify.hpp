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

#include "itm/deviation.hpp"
#include "itm/engine.hpp"
#include "itm/estimator.hpp"
#include "itm/itm.hpp"
#include "itm/report.hpp"
#include "itm/zoo.hpp"

namespace itm {

/// Runs a folder laid out like the golden ITM traces (trace.json, feature, label, train_index, val_index, batches,
/// init_*; the references that are there: iter1_*, final_*) with explicit split, batches and initial parameters, and
/// compares every array. float64: 1e-9 relative to each array's largest element. float32: 1e-4 for dispersion, losses
/// and curve, 1e-3 in relative Frobenius norm for arrays. Runs on `engine` where there is one, else on the CPU.
[[nodiscard]] std::vector<Deviation> replay_trace(const std::filesystem::path& folder, Precision precision,
                                                  Recurrence recurrence, ItmEngine* engine = nullptr);

/// Worst deviation of one stage over the models of a data set.
struct StageDeviation {
  Deviation worst;        ///< over the models
  std::string model;      ///< where it was seen
  bool rounding = false;  ///< beyond the usual tolerance, and no further than rounding moves it on the CPU by itself
};

/// How far two backends agree on one data set.
struct VerifyReport {
  std::string dataset;                       ///< its name
  std::string method = "itm";                ///< by its name
  Place place;                               ///< where what is compared with the reference was computed
  std::vector<StageDeviation> stages;        ///< in the order of the computation
  std::vector<std::string> reference_order;  ///< models, best first
  std::vector<std::string> other_order;      ///< those of the other side
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
/// compute in float64, and conditions of 1e10 are what covariances of features have. Whole numbers must agree. What
/// goes beyond is computed on the CPU again, four times, from features changed by roundings of a double; where those
/// move it, too, twice as far is allowed (a row as near to two clusters, say).
[[nodiscard]] VerifyReport verify_method(const Zoo& zoo, const std::string& dataset, const RankOptions& options,
                                         const std::string& method, const std::shared_ptr<ItmEngine>& engine);

}  // namespace itm
