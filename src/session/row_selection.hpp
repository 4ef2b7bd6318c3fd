#pragma once
// Which rows of a data set are scored, decided once for all of its models, so that they stay comparable.

#include "itm/estimator.hpp"

namespace itm {

/// Leaves out the classes with fewer rows than `fewest`, and says so in task.remarks. Throws InputError where less than
/// two classes would be left.
void drop_rare_classes(DatasetTask& task, std::size_t fewest);

}  // namespace itm
