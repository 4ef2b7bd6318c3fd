#pragma once
// Where the tests' files are. Functions, so that one source alone knows the folder of this checkout: a compiler cache
// then serves every other checkout too.

#include <string>

namespace itm::testing {

/// tests/, without a slash at the end, like all that follow.
[[nodiscard]] std::string tests_folder();
/// tests/data, or where the environment variable ITM_TEST_DATA says, on a machine that did not build the tests.
[[nodiscard]] std::string test_data();
[[nodiscard]] std::string examples();
/// Published numbers and a zoo beside the repository; absent where there is only the repository.
[[nodiscard]] std::string shared();
/// The program, built beside the tests.
[[nodiscard]] std::string binary();

}  // namespace itm::testing
