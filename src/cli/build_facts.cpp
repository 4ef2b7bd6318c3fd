// Apart from the others: compiled anew whenever the checkout moves.
#include "cli/build_facts.hpp"

namespace itm::cli {

const BuildFacts& build_facts() {
  static constexpr BuildFacts facts{ITM_COMMIT, ITM_COMPILER, ITM_BUILD_TYPE, ITM_CUDA_VERSION, ITM_MPI_VERSION};
  return facts;
}

}  // namespace itm::cli
