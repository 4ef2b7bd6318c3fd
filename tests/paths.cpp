#include "paths.hpp"

#include <cstdlib>

namespace itm::testing {

std::string tests_folder() { return ITM_TESTS; }

std::string test_data() {
  const char* elsewhere = std::getenv("ITM_TEST_DATA");
  return elsewhere != nullptr ? elsewhere : tests_folder() + "/data";
}

std::string examples() { return test_data() + "/../../examples"; }

std::string shared() { return ITM_TESTS "/../../shared"; }

std::string binary() { return ITM_BINARY; }

}  // namespace itm::testing
