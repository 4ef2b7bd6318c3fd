#pragma once
// The page of `itm evolve`: a model's rows after some of its training iterations, as maps coloured by class (the
// paper's Fig. 7).

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace itm::html {

/// The rows after one number of updates.
struct EvolvedView {
  std::size_t iteration = 0;
  double accuracy = 0;      ///< of argmax h(E_n) over the rows, in [0, 1]
  double purity = 0;        ///< see neighbour_purity(), in the space of E_n
  std::vector<double> map;  ///< rows x 2
};

struct EvolutionReport {
  std::string model;
  std::vector<std::int64_t> rows;    ///< numbers of the rows shown
  std::vector<std::int32_t> labels;  ///< their classes
  std::vector<EvolvedView> views;
  std::vector<std::pair<std::string, std::string>> facts;  ///< what was asked for, shown under the title
};

/// One self-contained page.
[[nodiscard]] std::string evolution_page(const EvolutionReport& report);

}  // namespace itm::html
