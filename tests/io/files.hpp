#pragma once
// Files made byte by byte for the tests of the readers: nothing here uses the code under test.

#include <gtest/gtest.h>
#include <zip.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "itm/error.hpp"

namespace itm::test {

/// A folder of its own for every test, removed afterwards.
class FileTest : public ::testing::Test {
 protected:
  FileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "itm-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = name;
  }
  ~FileTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    std::filesystem::path file = folder / name;
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file;
  }

  [[nodiscard]] std::vector<std::string> names_in_folder() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::filesystem::path folder;
};

inline std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

/// The bytes of a value, most significant first when `big_endian`.
template <typename T>
std::string bytes_of(T value, bool big_endian = false) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  if (big_endian != (std::endian::native == std::endian::big)) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

template <typename T>
std::string bytes_of_all(const std::vector<T>& values, bool big_endian = false) {
  std::string bytes;
  for (const T value : values) bytes += bytes_of(value, big_endian);
  return bytes;
}

/// A .npy file: the header text as given, then the data.
inline std::string npy(std::string_view dict, std::string_view data, int major = 1) {
  std::string header(dict);
  const std::size_t prefix = major == 1 ? 10 : 12;
  while ((prefix + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string file = "\x93NUMPY";
  file += static_cast<char>(major);
  file += '\0';
  const auto length = static_cast<std::uint32_t>(header.size());
  file += bytes_of(length).substr(0, major == 1 ? 2 : 4);
  return file + header + std::string(data);
}

inline std::string npy_dict(std::string_view descr, std::string_view shape, bool fortran = false) {
  return "{'descr': '" + std::string(descr) + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + std::string(shape) + ", }";
}

/// int64 labels, 1-D.
inline std::string npy_labels(const std::vector<std::int64_t>& labels) {
  return npy(npy_dict("<i8", "(" + std::to_string(labels.size()) + ",)"), bytes_of_all(labels));
}

/// float32 features, C order.
inline std::string npy_features(std::size_t rows, std::size_t cols) {
  std::vector<float> values(rows * cols);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.25F;
  return npy(npy_dict("<f4", "(" + std::to_string(rows) + ", " + std::to_string(cols) + ")"), bytes_of_all(values));
}

enum class Packing : std::uint8_t { stored, deflated, bzip2 };

/// A zip archive of (name, bytes) members.
inline std::string zip(const std::vector<std::pair<std::string, std::string>>& members, Packing packing) {
  std::string name = (std::filesystem::temp_directory_path() / "itm-zip-XXXXXX").string();
  const int fd = mkstemp(name.data());
  if (fd < 0) throw std::runtime_error("no temporary file");
  close(fd);
  zip_t* archive = zip_open(name.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [member, bytes] : members) {
    zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const auto index = static_cast<zip_uint64_t>(zip_file_add(archive, member.c_str(), source, 0));
    const zip_int32_t method = packing == Packing::stored     ? ZIP_CM_STORE
                               : packing == Packing::deflated ? ZIP_CM_DEFLATE
                                                              : ZIP_CM_BZIP2;
    zip_set_file_compression(archive, index, method, 0);
  }
  if (zip_close(archive) != 0) throw std::runtime_error(zip_strerror(archive));
  std::string bytes = read_file(name);
  std::filesystem::remove(name);
  return bytes;
}

/// A .safetensors file: JSON header as given, then the data.
inline std::string safetensors(std::string_view header, std::string_view data) {
  return bytes_of(static_cast<std::uint64_t>(header.size())) + std::string(header) + std::string(data);
}

/// The sentence of the InputError that `action` throws; fails the test when it throws something else or nothing.
template <typename Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const InputError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_input);
    std::string sentence = error.what();
    EXPECT_EQ(sentence.find_first_of("\n\r"), std::string::npos) << sentence;
    return sentence;
  } catch (const std::exception& error) {
    ADD_FAILURE() << "threw something other than InputError: " << error.what();
    return error.what();
  }
  ADD_FAILURE() << "threw nothing";
  return {};
}

/// refusal() whose sentence holds `fragment`.
#define EXPECT_REFUSED(action, fragment)                                                         \
  do {                                                                                           \
    const std::string sentence_ = ::itm::test::refusal([&] { (void)(action); });                 \
    EXPECT_NE(sentence_.find(fragment), std::string::npos) << "the sentence was: " << sentence_; \
  } while (false)

}  // namespace itm::test
