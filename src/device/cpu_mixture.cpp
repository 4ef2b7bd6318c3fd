// Expectation maximisation on the CPU looks at few rows of a component: those that the rest of a double can see.

#include "device/cpu_clusters.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "itm/error.hpp"

namespace itm::cpu {
namespace {

/// The rows of one component: the others have responsibilities below e^-margin.
struct Members {
  std::vector<std::int32_t> rows;
  std::vector<double> shares;  ///< p(component | row)
};

/// Responsibilities below e^-margin count as zero. The least total weight of a component is 2e-15, so that what is left
/// out changes nothing at the precision of a double.
constexpr double margin = 120;
/// Columns after which the rows that are too far away are sorted out, before all columns are looked at.
constexpr std::size_t stages[] = {16, 64, 256};
constexpr std::size_t block_rows = 1024;
/// Covariance factors that are kept between the two halves of a step; others are computed again when needed.
constexpr std::size_t kept_numbers = std::size_t{32} << 20U;

/// A component's parameters; what depends on the columns is on the device.
struct Component {
  Matrix mean;              ///< 1 x d
  Matrix factor;            ///< d x d: covariance = L L^T; empty when it was not worth keeping
  Matrix lead;              ///< L^-T of the factor's leading block, for the first stage
  Matrix lead_mean;         ///< 1 x the same columns: mean L^-T
  double log_constant = 0;  ///< log density at the mean
};

class SparseMixture final : public Mixture {
 public:
  SparseMixture(Device& device, ConstView x, std::span<const std::int32_t> labels, std::size_t components, double floor)
      : device_(device),
        x_(x),
        floor_(floor),
        members_(components),
        components_(components),
        home_(labels.begin(), labels.end()),
        home_density_(x.rows()),
        lead_(device.scratch(x.rows(), std::min(stages[0], x.cols()))),
        rows_buffer_(device.scratch(std::min(block_rows, x.rows()), x.cols())),
        squares_buffer_(device.scratch(1, std::min(block_rows, x.rows()))) {
    device.copy(x.columns(0, lead_.cols()), lead_);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      Members& members = members_[static_cast<std::size_t>(labels[i])];
      members.rows.push_back(static_cast<std::int32_t>(i));
      members.shares.push_back(1);
    }
  }

  /// Parameters from responsibilities, then responsibilities from parameters. Returns the mean log likelihood.
  double step(const std::function<void()>& checkpoint) override {
    const std::size_t keep = kept_numbers / (x_.cols() * x_.cols());
    std::vector<Members> homes(components_.size());
    for (std::size_t i = 0; i < home_.size(); ++i) {
      homes[static_cast<std::size_t>(home_[i])].rows.push_back(static_cast<std::int32_t>(i));
    }
    double total = 0;
    for (const Members& members : members_) {
      total += weight_of(members);
    }
    for (std::size_t k = 0; k < components_.size(); ++k) {
      checkpoint();
      Component& component = components_[k];
      const Matrix factor = estimate(members_[k], component);
      component.log_constant += std::log(weight_of(members_[k]) / total);
      prepare_first_stage(factor, component);
      // A row's density in the component that it is most likely from bounds its total from below.
      densities(component, factor, homes[k]);
      for (std::size_t i = 0; i < homes[k].rows.size(); ++i) {
        home_density_[static_cast<std::size_t>(homes[k].rows[i])] = homes[k].shares[i];
      }
      if (k < keep) {
        component.factor = factor;
        members_[k] = {};
      }
    }
    for (std::size_t k = 0; k < components_.size(); ++k) {
      checkpoint();
      add_visitors(k, homes[k]);
      members_[k] = std::move(homes[k]);
      components_[k] = {};
    }
    return normalise();
  }

  void add_class_sums(const Classes& classes, View s) override {
    const std::int32_t* label = classes.labels().data();
    for (std::size_t k = 0; k < members_.size(); ++k) {
      const Members& members = members_[k];
      for (std::size_t i = 0; i < members.rows.size(); ++i) {
        s.data()[static_cast<std::size_t>(label[members.rows[i]]) * s.stride() + k] += members.shares[i];
      }
    }
  }

 private:
  static double weight_of(const Members& members) {
    return std::accumulate(members.shares.begin(), members.shares.end(), 0.0) +
           10 * std::numeric_limits<double>::epsilon();
  }

  /// Calls use(block, first) with the members' rows of the first `cols` columns about the component's mean (or as they
  /// are, without one), a copy on the device.
  template <typename Use>
  void in_blocks(const std::vector<std::int32_t>& rows, std::size_t cols, const Matrix* mean, const Use& use) {
    for (std::size_t first = 0; first < rows.size(); first += block_rows) {
      const std::size_t count = std::min(block_rows, rows.size() - first);
      const View block = rows_buffer_.rows(0, count).columns(0, cols);
      device_.gather_rows(x_.columns(0, cols), device_.index(std::span(rows).subspan(first, count)), block);
      if (mean != nullptr) {
        device_.add_to_rows(-1, mean->view().columns(0, cols), block);
      }
      use(block, first);
    }
  }

  /// Mean and log density at the mean (but for the weight) of a component; returns its factor.
  Matrix estimate(const Members& members, Component& component) {
    const std::size_t dims = x_.cols();
    const double weight = weight_of(members);
    component.mean = device_.matrix(1, dims);
    in_blocks(members.rows, dims, nullptr, [&](View block, std::size_t first) {
      const auto shares = std::span(members.shares).subspan(first, block.rows());
      device_.multiply(1 / weight, device_.matrix_of(shares, 1, block.rows()), Op::none, block, Op::none, 1,
                       component.mean);
    });
    std::vector<double> roots(members.shares.size());
    std::transform(members.shares.begin(), members.shares.end(), roots.begin(), [](double r) { return std::sqrt(r); });

    for (double floor = floor_; std::isfinite(floor); floor *= 10) {
      Matrix covariance = device_.matrix(dims, dims);
      in_blocks(members.rows, dims, &component.mean, [&](View block, std::size_t first) {
        const auto mine = std::span<const double>(roots).subspan(first, block.rows());
        device_.scale_rows(device_.matrix_of(mine, 1, block.rows()), block);
        device_.add_gram(1 / weight, block, covariance);
      });
      device_.add_to_diagonal(floor, covariance);
      if (device_.cholesky(covariance)) {
        const Matrix diagonal = device_.scratch(1, dims);
        device_.diagonal(covariance, diagonal);
        component.log_constant = -0.5 * static_cast<double>(dims) * std::log(2 * std::numbers::pi);
        for (const double value : device_.read(diagonal)) {
          component.log_constant -= std::log(value);
        }
        return covariance;
      }
    }
    throw InputError("the covariances of the features overflow; look for extreme values with itm inspect");
  }

  /// Every row of every component passes the first stage: there a product with the inverse beats a triangular solve.
  void prepare_first_stage(ConstView factor, Component& component) {
    const std::size_t cols = lead_.cols();
    component.lead = device_.matrix(cols, cols);
    device_.add_to_diagonal(1, component.lead);
    device_.whiten_rows(factor.rows(0, cols).columns(0, cols), component.lead);
    component.lead_mean = device_.scratch(1, cols);
    device_.multiply(1, component.mean.view().columns(0, cols), Op::none, component.lead, Op::none, 0,
                     component.lead_mean);
  }

  /// Shares become log densities (but for log_constant where `cols` < d) of the members under a component, seen in the
  /// leading columns that `factor` has.
  void densities(const Component& component, ConstView factor, Members& members) {
    members.shares.resize(members.rows.size());
    in_blocks(members.rows, factor.cols(), &component.mean, [&](View block, std::size_t first) {
      device_.whiten_rows(factor, block);
      const View squares = squares_buffer_.view().columns(0, block.rows());
      device_.row_squares(block, squares);
      const std::vector<double> lengths = device_.read(squares);
      std::copy(lengths.begin(), lengths.end(), members.shares.begin() + static_cast<std::ptrdiff_t>(first));
    });
    for (double& value : members.shares) {
      value = component.log_constant - 0.5 * value;
    }
  }

  [[nodiscard]] bool matters(std::size_t row, double log_density) const {
    return log_density >= home_density_[row] - margin;
  }

  /// Adds to `members` (the rows at home in k) the other rows whose density in k matters.
  void add_visitors(std::size_t k, Members& members) {
    Component& component = components_[k];
    Members visitors = near_rows(k);
    for (std::size_t stage = 1; lead_.cols() < x_.cols() && !visitors.rows.empty(); ++stage) {
      if (component.factor.rows() == 0) {
        Component again;
        component.factor = estimate(members_[k], again);
      }
      const std::size_t cols = stage < std::size(stages) ? std::min(stages[stage], x_.cols()) : x_.cols();
      densities(component, component.factor.rows(0, cols).columns(0, cols), visitors);
      keep_near(visitors);
      if (cols == x_.cols()) {
        break;
      }
    }
    members.rows.insert(members.rows.end(), visitors.rows.begin(), visitors.rows.end());
    members.shares.insert(members.shares.end(), visitors.shares.begin(), visitors.shares.end());
  }

  /// The rows of other components that the first stage cannot tell from k's, with upper bounds of their log densities.
  [[nodiscard]] Members near_rows(std::size_t k) {
    const Component& component = components_[k];
    Members near;
    for (std::size_t first = 0; first < x_.rows(); first += block_rows) {
      const std::size_t count = std::min(block_rows, x_.rows() - first);
      const View block = rows_buffer_.rows(0, count).columns(0, lead_.cols());
      device_.multiply(1, lead_.rows(first, count), Op::none, component.lead, Op::none, 0, block);
      device_.add_to_rows(-1, component.lead_mean, block);
      device_.row_squares(block, squares_buffer_.view().columns(0, count));
      const std::vector<double> squares = device_.read(squares_buffer_.columns(0, count));
      for (std::size_t i = 0; i < count; ++i) {
        const double bound = component.log_constant - 0.5 * squares[i];
        if (matters(first + i, bound) && static_cast<std::size_t>(home_[first + i]) != k) {
          near.rows.push_back(static_cast<std::int32_t>(first + i));
          near.shares.push_back(bound);
        }
      }
    }
    return near;
  }

  void keep_near(Members& members) const {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < members.rows.size(); ++i) {
      if (matters(static_cast<std::size_t>(members.rows[i]), members.shares[i])) {
        members.rows[kept] = members.rows[i];
        members.shares[kept] = members.shares[i];
        ++kept;
      }
    }
    members.rows.resize(kept);
    members.shares.resize(kept);
  }

  /// Log densities become responsibilities. Returns the mean log likelihood.
  double normalise() {
    std::vector<double> most(home_density_);
    for (std::size_t k = 0; k < members_.size(); ++k) {
      const Members& members = members_[k];
      for (std::size_t i = 0; i < members.rows.size(); ++i) {
        const auto row = static_cast<std::size_t>(members.rows[i]);
        if (members.shares[i] > most[row]) {
          most[row] = members.shares[i];
          home_[row] = static_cast<std::int32_t>(k);
        }
      }
    }
    std::vector<double> sums(most.size());
    for (Members& members : members_) {
      for (std::size_t i = 0; i < members.rows.size(); ++i) {
        const auto row = static_cast<std::size_t>(members.rows[i]);
        members.shares[i] = std::exp(members.shares[i] - most[row]);
        sums[row] += members.shares[i];
      }
    }
    double likelihood = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      likelihood += most[i] + std::log(sums[i]);
    }
    for (Members& members : members_) {
      for (std::size_t i = 0; i < members.rows.size(); ++i) {
        members.shares[i] /= sums[static_cast<std::size_t>(members.rows[i])];
      }
    }
    return likelihood / static_cast<double>(sums.size());
  }

  Device& device_;
  ConstView x_;
  double floor_;
  std::vector<Members> members_;
  std::vector<Component> components_;
  std::vector<std::int32_t> home_;    ///< N: the component of each row's largest responsibility
  std::vector<double> home_density_;  ///< N: log density there
  Matrix lead_;                       ///< N x the columns of the first stage
  Matrix rows_buffer_;                ///< block x d
  Matrix squares_buffer_;             ///< 1 x block
};

}  // namespace

std::unique_ptr<Mixture> make_mixture(Device& device, ConstView x, std::span<const std::int32_t> labels,
                                      std::size_t components, double floor) {
  return std::make_unique<SparseMixture>(device, x, labels, components, floor);
}

}  // namespace itm::cpu
