// The kernels that give a warp to a row, and the gather: each against its definition in double, over shapes that are
// multiples of nothing, all lanes in one launch.

#include "kernels/add_centres.cuh"
#include "kernels/cross_entropy.cuh"
#include "kernels/gather_rows.cuh"
#include "kernels/keep_copy.cuh"
#include "kernels/normalise_backward.cuh"
#include "kernels/normalise_rows.cuh"
#include "kernels/row_chain.cuh"
#include "made_lane.cuh"

namespace itm::ITM_KERNELS {
namespace {

class ITM_DEVICE(RowKernels) : public DeviceTest {
 protected:
  /// Launches a row kernel over a fresh zoo and returns what `take` reads of it.
  template <typename T, typename Kernel, typename Take>
  auto run(Kernel kernel, Take take) {
    return in_every_order([&] {
      const MadeZoo<T> zoo(api());
      launch(api(), kernel, zoo.grid(), row_block(), zoo.table(), zoo.cursor());
      return take(zoo);
    });
  }

  /// What `entry(lane, i, c)` says for every entry of a (B, C) array of every lane; 0 behind C, or 1 and then 0 where
  /// rows of the window end in `ones`.
  template <typename T, typename Entry>
  std::vector<double> matrix(Entry entry, bool ones = false) {
    const MadeZoo<T> zoo(api());
    std::vector<double> out;
    for (const auto& lane : zoo.lanes) {
      for (std::uint32_t i = 0; i < lane->shape.batch; ++i) {
        for (std::uint32_t c = 0; c < lane->width; ++c) {
          const bool one = ones && c == lane->shape.classes && i < lane->shape.count;
          out.push_back(c < lane->shape.classes ? entry(*lane, i, c) : one ? 1.0 : 0.0);
        }
      }
    }
    return out;
  }
  template <typename T, typename Entry>
  std::vector<double> column(Entry entry) {
    const MadeZoo<T> zoo(api());
    std::vector<double> out;
    for (const auto& lane : zoo.lanes) {
      for (std::uint32_t i = 0; i < lane->shape.batch; ++i) {
        out.push_back(entry(*lane, i));
      }
    }
    return out;
  }
};

template <typename T>
std::size_t at(const MadeLane<T>& l, std::uint32_t i, std::uint32_t c) {
  return static_cast<std::size_t>(i) * l.width + c;
}

template <typename T>
double unit_length_inverse(const MadeLane<T>& l, std::uint32_t i) {
  double square = 0;
  for (std::uint32_t c = 0; c < l.shape.classes; ++c) {
    const auto z = static_cast<double>(l.z[at(l, i, c)]);
    square += z * z;
  }
  return 1 / std::sqrt(square);
}
template <typename T>
double unit_entry(const MadeLane<T>& l, std::uint32_t i, std::uint32_t c) {
  return static_cast<double>(l.z[at(l, i, c)]) * unit_length_inverse(l, i);
}

template <typename T>
double logit(const MadeLane<T>& l, std::uint32_t i, std::uint32_t c) {
  return static_cast<double>(l.logits[at(l, i, c)]);
}
template <typename T>
double log_sum(const MadeLane<T>& l, std::uint32_t i) {
  double sum = 0;
  for (std::uint32_t c = 0; c < l.shape.classes; ++c) {
    sum += std::exp(logit(l, i, c));
  }
  return std::log(sum);
}
template <typename T>
std::uint32_t best_class(const MadeLane<T>& l, std::uint32_t i) {
  std::uint32_t best = 0;
  for (std::uint32_t c = 1; c < l.shape.classes; ++c) {
    best = logit(l, i, c) > logit(l, i, best) ? c : best;
  }
  return best;
}

TEST_F(ITM_DEVICE(RowKernels), GatherStandardisesRowsAndLooksUpTargets) {
  using T = double;
  const auto got = in_every_order([&] {
    const MadeZoo<T> zoo(api());
    const DeviceBuffer<std::uint32_t> update(api(), 1);
    launch_gather_rows(api(), zoo.table(), zoo.lanes.size(), zoo.batch, zoo.cursor(), update.data());
    EXPECT_EQ(update.download().front(), 1U) << "which iteration it is";
    return std::pair(zoo.download(&OnDevice<T>::x), zoo.download(&OnDevice<T>::targets));
  });
  std::vector<double> x;
  std::vector<std::uint32_t> targets;
  const MadeZoo<T> zoo(api());
  for (const auto& l : zoo.lanes) {
    for (std::uint32_t i = 0; i < l->shape.batch; ++i) {
      const bool real = i < l->shape.count;
      const std::uint32_t row = real ? l->row_list[l->shape.batch + i] : 0;
      const std::uint32_t source = l->feature_rows[row];
      for (std::uint32_t d = 0; d < l->pitch; ++d) {
        x.push_back(real && d < l->shape.dims    ? (l->feature[source * l->shape.dims + d] - l->shift[d]) * l->scale[d]
                    : real && d == l->shape.dims ? 1.0
                                                 : 0.0);
      }
      targets.push_back(real ? static_cast<std::uint32_t>(l->labels[row]) : 0);
    }
  }
  expect_close("X", got.first, x, 0);
  EXPECT_EQ(got.second, targets);
}

TEST_F(ITM_DEVICE(RowKernels), NormaliseGivesUnitRowsAndTheStartOfTheRecurrence) {
  const auto check = [&](auto zero) {
    using T = decltype(zero);
    const auto theta = run<T>(normalise_rows<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::theta); });
    const auto scaled = run<T>(normalise_rows<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::scaled); });
    const auto r = run<T>(normalise_rows<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::residual); });
    const auto e = run<T>(normalise_rows<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::evolved); });
    const auto inverse =
        run<T>(normalise_rows<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::inverse_norm); });
    expect_close("Theta", theta,
                 matrix<T>([](const auto& l, auto i, auto c) { return i < l.shape.count ? unit_entry(l, i, c) : 0.0; }),
                 rounding<T>);
    expect_close("scaled", scaled, matrix<T>([](const auto& l, auto i, auto c) {
                   return i < l.shape.count ? -l.eta / l.shape.count * unit_entry(l, i, c) : 0.0;
                 }),
                 rounding<T>);
    expect_close("R", r, matrix<T>([](const auto& l, auto i, auto c) {
                   return i < l.shape.count ? unit_entry(l, i, c) - l.centre_entry(l.targets[i], c) : 0.0;
                 }),
                 rounding<T>);
    expect_close(
        "R_0 + Y", e,
        matrix<T>([](const auto& l, auto i, auto c) { return i < l.shape.count ? unit_entry(l, i, c) : 0.0; }, true),
        rounding<T>);
    expect_close("1 / |z|", inverse,
                 column<T>([](const auto& l, auto i) { return i < l.shape.count ? unit_length_inverse(l, i) : 0.0; }),
                 4 * rounding<T>);
  };
  check(float{});
  check(double{});
}

TEST_F(ITM_DEVICE(RowKernels), NormaliseOfAZeroRowStaysFinite) {
  MadeLane<float> made(api(), {2, 2, 3, 2});
  const std::vector<float> zeros(2 * made.width);
  api().upload(made.lane.theta, zeros.data(), zeros.size() * sizeof(float));
  const DeviceBuffer<Lane<float>> table(api(), std::vector<Lane<float>>{made.lane});
  launch(api(), normalise_rows<float>, row_grid(2, 1), row_block(), table.data(), Cursor{nullptr, 1});
  EXPECT_EQ(made.device.theta.download(), zeros);
}

TEST_F(ITM_DEVICE(RowKernels), CentresAreSubtractedAndAdded) {
  using T = float;
  const auto r = run<T>(subtract_centres<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::residual); });
  expect_close("Theta - Y", r, matrix<T>([](const auto& l, auto i, auto c) {
                 return i < l.shape.count ? static_cast<double>(l.z[at(l, i, c)]) - l.centre_entry(l.targets[i], c)
                                          : static_cast<double>(l.residual[at(l, i, c)]);
               }),
               rounding<T>);
  const auto e = run<T>(add_centres<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::evolved); });
  expect_close("R + Y", e,
               matrix<T>(
                   [](const auto& l, auto i, auto c) {
                     return i < l.shape.count
                                ? static_cast<double>(l.residual[at(l, i, c)]) + l.centre_entry(l.targets[i], c)
                                : static_cast<double>(l.evolved[at(l, i, c)]);
                   },
                   true),
               rounding<T>);
}

TEST_F(ITM_DEVICE(RowKernels), KeepCopyCopiesWhatTheStepReads) {
  for (const bool backward : {false, true}) {
    const MadeZoo<double> zoo(api());
    launch(api(), keep_copy<double>, zoo.grid(), row_block(), zoo.table(), backward);
    EXPECT_EQ(zoo.download(&OnDevice<double>::work),
              zoo.download(backward ? &OnDevice<double>::d_theta : &OnDevice<double>::residual));
  }
}

TEST_F(ITM_DEVICE(RowKernels), CrossEntropyGivesLossesAndTheirGradient) {
  const auto check = [&](auto zero) {
    using T = decltype(zero);
    const auto gradient = run<T>(cross_entropy<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::logits); });
    const auto loss = run<T>(cross_entropy<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::row_loss); });
    expect_close("gradient", gradient, matrix<T>([](const auto& l, auto i, auto c) {
                   return i < l.shape.count
                              ? (std::exp(logit(l, i, c) - log_sum(l, i)) - (c == l.targets[i] ? 1 : 0)) / l.shape.count
                              : 0.0;
                 }),
                 rounding<T>);
    expect_close("loss", loss, column<T>([](const auto& l, auto i) {
                   return i < l.shape.count ? log_sum(l, i) - logit(l, i, l.targets[i]) : 0.0;
                 }),
                 rounding<T>);
  };
  check(float{});
  check(double{});
}

TEST_F(ITM_DEVICE(RowKernels), CrossEntropySurvivesHugeLogits) {
  MadeLane<float> made(api(), {1, 1, 3, 2});
  std::vector<float> logits(made.width);
  logits[0] = 3e4F;
  logits[1] = -3e4F;
  api().upload(made.lane.logits, logits.data(), logits.size() * sizeof(float));
  const DeviceBuffer<Lane<float>> table(api(), std::vector<Lane<float>>{made.lane});
  launch(api(), cross_entropy<float>, row_grid(1, 1), row_block(), table.data(), Cursor{nullptr, 1});
  const std::vector<float> gradient = made.device.logits.download();
  const bool first = made.targets[0] == 0;
  EXPECT_NEAR(static_cast<double>(made.device.row_loss.download().front()), first ? 0.0 : 6e4, 4.0);
  EXPECT_FLOAT_EQ(gradient[0], first ? 0.0F : 1.0F);
  EXPECT_FLOAT_EQ(gradient[1], first ? 0.0F : -1.0F);
}

TEST_F(ITM_DEVICE(RowKernels), CountHitsComparesTheLargestLogitWithTheLabel) {
  using T = float;
  const auto loss = run<T>(count_hits<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::row_loss); });
  const auto hits = run<T>(count_hits<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::row_hits); });
  expect_close("loss", loss, column<T>([](const auto& l, auto i) {
                 return i < l.shape.count ? log_sum(l, i) - logit(l, i, static_cast<std::uint32_t>(l.label(i)))
                                          : static_cast<double>(l.row_loss[i]);
               }),
               rounding<T>);
  expect_close("hits", hits, column<T>([](const auto& l, auto i) {
                 return i < l.shape.count ? (best_class(l, i) == static_cast<std::uint32_t>(l.label(i)) ? 1.0 : 0.0)
                                          : static_cast<double>(l.row_hits[i]);
               }),
               0);
}

TEST_F(ITM_DEVICE(RowKernels), PickTargetsTakesTheLargestLogitAndOfEqualOnesTheFirst) {
  using T = float;
  const auto targets = run<T>(pick_targets<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::targets); });
  expect_close("targets", targets, column<T>([](const auto& l, auto i) {
                 return i < l.shape.count ? static_cast<double>(best_class(l, i)) : static_cast<double>(l.targets[i]);
               }),
               0);

  MadeLane<float> made(api(), {1, 1, 3, 70});
  std::vector<float> logits(made.width);
  std::fill(logits.begin() + 37, logits.begin() + 70, 5.0F);
  api().upload(made.lane.logits, logits.data(), logits.size() * sizeof(float));
  const DeviceBuffer<Lane<float>> table(api(), std::vector<Lane<float>>{made.lane});
  launch(api(), pick_targets<float>, row_grid(1, 1), row_block(), table.data(), Cursor{nullptr, 1});
  EXPECT_EQ(made.device.targets.download().front(), 37U);
}

TEST_F(ITM_DEVICE(RowKernels), NormaliseBackwardProjectsAndAddsThePull) {
  const auto check = [&](auto zero) {
    using T = decltype(zero);
    const auto got = run<T>(normalise_backward<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::d_theta); });
    const auto loss =
        run<T>(normalise_backward<T>, [](const auto& zoo) { return zoo.download(&OnDevice<T>::row_loss); });
    const auto g = [](const auto& l, auto i, auto c) {
      const double lambda = l.shape.pull / (static_cast<double>(l.shape.count) * l.shape.classes);
      return static_cast<double>(l.d_theta[at(l, i, c)]) +
             2 * lambda * (static_cast<double>(l.z[at(l, i, c)]) - l.centre_entry(l.targets[i], c));
    };
    expect_close("dZ", got, matrix<T>([&](const auto& l, auto i, auto c) {
                   if (i >= l.shape.count) {
                     return static_cast<double>(l.d_theta[at(l, i, c)]);
                   }
                   double dot = 0;
                   for (std::uint32_t k = 0; k < l.shape.classes; ++k) {
                     dot += static_cast<double>(l.z[at(l, i, k)]) * g(l, i, k);
                   }
                   return (g(l, i, c) - static_cast<double>(l.z[at(l, i, c)]) * dot) *
                          static_cast<double>(l.inverse_norm[i]);
                 }),
                 20 * rounding<T>);
    expect_close("loss", loss, column<T>([](const auto& l, auto i) {
                   double sum = 0;
                   for (std::uint32_t c = 0; i < l.shape.count && c < l.shape.classes; ++c) {
                     const double gap = static_cast<double>(l.z[at(l, i, c)]) - l.centre_entry(l.targets[i], c);
                     sum += gap * gap;
                   }
                   return static_cast<double>(l.row_loss[i]) + l.shape.pull * sum / l.shape.classes;
                 }),
                 4 * rounding<T>);
  };
  check(float{});
  check(double{});
}

// ---- what is local to a row in one launch

/// (B, C) times a C x C matrix plus a third, at (i, c).
template <typename T>
double step_entry(const MadeLane<T>& l, const std::vector<T>& before, std::uint32_t i, std::uint32_t c) {
  auto sum = static_cast<double>(before[at(l, i, c)]);
  for (std::uint32_t k = 0; k < l.shape.classes; ++k) {
    sum += static_cast<double>(l.scaled[at(l, i, k)]) * static_cast<double>(l.inner[at(l, k, c)]);
  }
  return sum;
}

/// The rows of a chain on the way forward, by definition; the ones of E are zeros here but for `chained_forward`.
struct ChainRow {
  std::vector<double> evolved, gradient;
  double loss = 0;
  std::uint32_t best = 0;

  template <typename T>
  ChainRow(const MadeLane<T>& l, std::uint32_t i, std::uint32_t y) : gradient(l.shape.classes) {
    for (std::uint32_t c = 0; c < l.shape.classes; ++c) {
      evolved.push_back(step_entry(l, l.evolved, i, c));
    }
    std::vector<double> logits(l.shape.classes);
    double sum = 0;
    for (std::uint32_t c = 0; c < l.shape.classes; ++c) {
      for (std::uint32_t k = 0; k < l.shape.classes; ++k) {
        logits[c] += evolved[k] * static_cast<double>(l.head[at(l, c, k)]);
      }
      best = logits[c] > logits[best] ? c : best;
    }
    for (const double logit : logits) {
      sum += std::exp(logit - logits[best]);
    }
    loss = logits[best] + std::log(sum) - logits[y];
    for (std::uint32_t c = 0; c < l.shape.classes; ++c) {
      gradient[c] = (std::exp(logits[c] - logits[best]) / sum - (c == y ? 1 : 0)) / l.shape.count;
    }
  }
};

TEST_F(ITM_DEVICE(RowKernels), AChainForwardIsItsStepsOneAfterAnother) {
  const auto check = [&](auto zero) {
    using T = decltype(zero);
    for (const bool training : {true, false}) {
      const auto got = in_every_order([&] {
        const MadeZoo<T> zoo(api(), true);
        launch_chain(api(), training ? chain_forward<T, true> : chain_forward<T, false>, zoo.table(), zoo.lanes.size(),
                     zoo.batch, zoo.cursor(), 0);
        return std::tuple(zoo.download(&OnDevice<T>::evolved), zoo.download(&OnDevice<T>::logits),
                          zoo.download(&OnDevice<T>::d_theta), zoo.download(&OnDevice<T>::row_loss),
                          zoo.download(&OnDevice<T>::row_hits));
      });
      const auto row_of = [training](const auto& l, std::uint32_t i) {
        return ChainRow(l, i, training ? l.targets[i] : static_cast<std::uint32_t>(l.label(i)));
      };
      const double few = 200 * rounding<T>;  // sums of up to 67 products of normals
      expect_close("E_n", std::get<0>(got),
                   matrix<T>([](const auto& l, auto i, auto c) { return step_entry(l, l.evolved, i, c); }), few);
      expect_close("loss", std::get<3>(got),
                   column<T>([&](const auto& l, auto i) { return i < l.shape.count ? row_of(l, i).loss : 0.0; }), few);
      if (training) {
        expect_close("dLogits", std::get<1>(got), matrix<T>([&](const auto& l, auto i, auto c) {
                       return i < l.shape.count ? row_of(l, i).gradient[c] : 0.0;
                     }),
                     few);
        const auto d_evolved = matrix<T>([&](const auto& l, auto i, auto c) {
          double sum = 0;
          if (i < l.shape.count) {
            const ChainRow row = row_of(l, i);
            for (std::uint32_t k = 0; k < l.shape.classes; ++k) {
              sum += row.gradient[k] * static_cast<double>(l.head[at(l, k, c)]);
            }
          }
          return sum;
        });
        std::vector<double> classes;  // the column of the ones is a number that nobody reads
        std::vector<double> wanted;
        std::size_t entry = 0;
        const MadeZoo<T> zoo(api());
        for (const auto& l : zoo.lanes) {
          for (std::size_t e = 0; e < std::size_t{l->shape.batch} * l->width; ++e, ++entry) {
            if (e % l->width < l->shape.classes) {
              classes.push_back(static_cast<double>(std::get<2>(got)[entry]));
              wanted.push_back(d_evolved[entry]);
            }
          }
        }
        expect_close("dE", classes, wanted, few);
      } else {
        expect_close("hits", std::get<4>(got), column<T>([&](const auto& l, auto i) {
                       return i < l.shape.count && row_of(l, i).best == static_cast<std::uint32_t>(l.label(i)) ? 1.0
                                                                                                               : 0.0;
                     }),
                     0);
      }
    }
  };
  check(float{});
  check(double{});
}

TEST_F(ITM_DEVICE(RowKernels), AChainBackwardIsItsStepsOneAfterAnother) {
  const auto check = [&](auto zero) {
    using T = decltype(zero);
    const auto got = in_every_order([&] {
      const MadeZoo<T> zoo(api(), true);
      launch_chain(api(), chain_backward<T>, zoo.table(), zoo.lanes.size(), zoo.batch, zoo.cursor(), 0);
      return std::pair(zoo.download(&OnDevice<T>::d_theta), zoo.download(&OnDevice<T>::row_loss));
    });
    const auto gap = [](const auto& l, auto i, auto c) {
      return static_cast<double>(l.z[at(l, i, c)]) - l.centre_entry(l.targets[i], c);
    };
    const auto g = [&](const auto& l, auto i, auto c) {
      return step_entry(l, l.d_theta, i, c) + 2 * l.shape.pull / (l.shape.count * l.shape.classes) * gap(l, i, c);
    };
    expect_close("dZ", got.first, matrix<T>([&](const auto& l, auto i, auto c) {
                   double dot = 0;
                   for (std::uint32_t k = 0; i < l.shape.count && k < l.shape.classes; ++k) {
                     dot += static_cast<double>(l.z[at(l, i, k)]) * g(l, i, k);
                   }
                   return i < l.shape.count ? (g(l, i, c) - static_cast<double>(l.z[at(l, i, c)]) * dot) *
                                                  static_cast<double>(l.inverse_norm[i])
                                            : 0.0;
                 }),
                 400 * rounding<T>);
    expect_close("loss", got.second, column<T>([&](const auto& l, auto i) {
                   double sum = 0;
                   for (std::uint32_t c = 0; i < l.shape.count && c < l.shape.classes; ++c) {
                     sum += gap(l, i, c) * gap(l, i, c);
                   }
                   return static_cast<double>(l.row_loss[i]) + l.shape.pull * sum / l.shape.classes;
                 }),
                 4 * rounding<T>);
  };
  check(float{});
  check(double{});
}

}  // namespace
}  // namespace itm::ITM_KERNELS
