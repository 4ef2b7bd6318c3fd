// What is no file of text, or none of a sane size, is refused before it is read, and opening it never waits.

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "files.hpp"
#include "io/hash.hpp"
#include "io/input_file.hpp"
#include "io/json.hpp"
#include "itm/array.hpp"
#include "itm/sweep.hpp"
#include "itm/zoo.hpp"
#include "report/scores_file.hpp"

#include <nlohmann/json.hpp>

namespace itm {
namespace {

class InputFile : public test::FileTest {
 protected:
  [[nodiscard]] std::filesystem::path at(const std::string& name) const { return folder / name; }

  std::filesystem::path sparse(const std::string& name, std::uintmax_t size) const {
    const std::filesystem::path file = write(name, "{");
    std::filesystem::resize_file(file, size);
    return file;
  }

  /// Every reader of the library that takes a file's name.
  static void expect_all_refuse(const std::filesystem::path& file, const std::string& fragment) {
    EXPECT_REFUSED(read_sweep_spec(file), fragment);
    EXPECT_REFUSED(read_ground_truth(file), fragment);
    EXPECT_REFUSED(read_scores_file(file), fragment);
    EXPECT_REFUSED(read_array(file), fragment);
    EXPECT_REFUSED(io::hash_of_file(file), fragment);
  }
};

TEST_F(InputFile, APipeThatNobodyWritesToIsRefusedAtOnce) {
  ASSERT_EQ(mkfifo(at("pipe").c_str(), 0600), 0);
  expect_all_refuse(at("pipe"), "is not a regular file; save the data to a file first");
}

TEST_F(InputFile, DevicesAndSocketsAreRefused) {
  expect_all_refuse("/dev/zero", "is not a regular file");
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  at("socket").native().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  expect_all_refuse(at("socket"), "is not a regular file");
  close(socket);
}

TEST_F(InputFile, FoldersLoopsAndNamesOfNothingAreRefused) {
  expect_all_refuse(folder, "is a directory, not a file; name a file inside it");
  expect_all_refuse(at("nothing"), "no such file; check the path");
  std::filesystem::create_symlink("b", at("a"));
  std::filesystem::create_symlink("a", at("b"));
  expect_all_refuse(at("a"), "is a symbolic link that leads to itself");
}

TEST_F(InputFile, EachKindOfTextHasALargestSize) {
  constexpr std::uintmax_t tera = std::uintmax_t{1} << 40U;
  EXPECT_REFUSED(read_sweep_spec(sparse("spec.json", (1U << 20U) + 1)),
                 "has 1,048,577 bytes, more than the spec of a sweep may have (1 MiB)");
  EXPECT_REFUSED(read_ground_truth(sparse("truth.csv", tera)), "more than a table of accuracies may have (256 MiB)");
  EXPECT_REFUSED(read_scores_file(sparse("scores.json", tera)), "more than a file of scores may have (2 GiB)");
  EXPECT_REFUSED(io::read_text(sparse("trace.json", tera), io::TextKind::trace), "a trace may have (64 MiB)");
  EXPECT_REFUSED(io::read_text(sparse("journal", tera), io::TextKind::journal), "a journal may have (16 GiB)");
}

TEST_F(InputFile, HolesTakeNoMemory) {
  const std::string text = io::read_text(sparse("journal", std::uintmax_t{8} << 30U), io::TextKind::journal);
  EXPECT_EQ(text.front(), '{');
  EXPECT_LE(text.size(), 1U << 20U) << "reading ends where text ends";
}

TEST_F(InputFile, TextComesBackByteForByte) {
  std::string text;
  for (int i = 0; text.size() < 3'500'000; ++i) text += std::to_string(i) + "\n";
  EXPECT_EQ(io::read_text(write("long", text), io::TextKind::journal), text);
  EXPECT_EQ(io::read_text(write("none", ""), io::TextKind::journal), "") << "a journal that has not begun";
  EXPECT_REFUSED(io::read_text(write("none", ""), io::TextKind::truth), "is empty (0 bytes)");
}

// ---- JSON -----------------------------------------------------------------------------------------------------------

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

std::string complaint(const std::string& text) {
  try {
    (void)io::parse_json<nlohmann::json>(text);
  } catch (const io::JsonError& error) {
    return error.what();
  }
  return "read";
}

TEST(ReadJson, HasOneLimitOfDepth) {
  EXPECT_EQ(complaint(nested(io::deepest_json)), "read");
  EXPECT_EQ(complaint(nested(io::deepest_json + 1)), "is nested deeper than 32 levels");
  EXPECT_EQ(complaint(std::string(400'000, '[')), "is nested deeper than 32 levels");
  EXPECT_EQ(complaint(std::string(400'000, '{')), "is nested deeper than 32 levels");
}

TEST(ReadJson, BracketsInTextsAreNoNesting) {
  EXPECT_EQ(complaint("[\"" + std::string(100, '[') + "\\\"" + std::string(100, '{') + "\"]"), "read");
}

TEST(ReadJson, SaysWhereAndWhichNumber) {
  EXPECT_EQ(complaint("[1, 2"), "is not valid JSON (at byte 6)");
  EXPECT_EQ(complaint("[1e999]"), "holds the number 1e999, which is out of range");
  EXPECT_EQ(complaint("[\"\xff\"]"), "is not valid JSON (at byte 3)");
}

TEST_F(InputFile, DeepJsonAndHugeNumbersAreRefusedByEveryReader) {
  const std::filesystem::path deep = write("deep.json", R"({"schema":"itm.sweep/1","zoo":)" + nested(200'000) + "}");
  EXPECT_REFUSED(read_sweep_spec(deep), "deep.json: is nested deeper than 32 levels; name the JSON file of a sweep");
  EXPECT_REFUSED(read_scores_file(deep), "is nested deeper than 32 levels; give the JSON or CSV");
  const std::filesystem::path huge = write("huge.json", R"({"schema":"itm.sweep/1","settings":{"eta":1e999}})");
  EXPECT_REFUSED(read_sweep_spec(huge), "huge.json: holds the number 1e999, which is out of range");
  EXPECT_REFUSED(read_scores_file(huge), "holds the number 1e999, which is out of range");
  const std::filesystem::path header =
      write("a.safetensors", test::safetensors(R"({"feature":)" + nested(200'000) + "}", ""));
  EXPECT_REFUSED(read_array(header), "has a damaged header (it is nested deeper than 32 levels)");
}

}  // namespace
}  // namespace itm
