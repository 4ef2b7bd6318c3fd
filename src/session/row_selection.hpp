#pragma once
// Which rows of a data set are scored, decided once for all of its models, so that they stay comparable.

#include "itm/estimator.hpp"

namespace itm {

/// Leaves out the classes with fewer rows than `fewest`, and says so in task.remarks. Throws InputError where less than
/// two classes would be left.
void drop_rare_classes(DatasetTask& task, std::size_t fewest);

/// Keeps at most `most` rows, drawn by seed and row number: of every class its share, rounded, but two at least (or
/// what it has); of targets any, `rows` being their number. Says so in task.remarks. Throws InputError where
/// two rows a class are more than `most`, or `most` is less than 10.
void sample_rows(DatasetTask& task, std::size_t rows, std::size_t most, std::uint64_t seed);

/// Leaves out the targets that are the same in all scored rows: they say nothing about a model. Says so in
/// task.remarks. Throws InputError where none is left.
void drop_constant_targets(DatasetTask& task);

/// Throws InputError where the rows that are scored leave a part of the person's split without rows; says in
/// task.remarks how many classes have no row to train on.
void check_split(DatasetTask& task);

}  // namespace itm
