// No binary loads code from a folder that somebody else may write to, and each has the protections of
// cmake/Harden.cmake.

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <sstream>

#include "paths.hpp"
#include "run_itm.hpp"

namespace itm::testing {
namespace {

namespace fs = std::filesystem;

/// What the loader reads of a program or shared library.
struct Elf {
  bool position_independent = false;
  bool relro = false;
  bool executable_stack = true;
  bool bind_now = false;
  std::vector<std::string> search_paths;  ///< RPATH and RUNPATH, as they stand
  std::vector<std::string> symbols;       ///< of the dynamic symbol table
};

template <typename T>
T at(const std::string& bytes, std::size_t offset) {
  T value;
  if (offset + sizeof value > bytes.size()) {
    throw std::runtime_error("beyond the end of the file");
  }
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// Nothing for what is no linked 64-bit ELF file.
std::optional<Elf> read_elf(const fs::path& file) {
  const std::string bytes = text_of(file);
  if (bytes.size() < sizeof(Elf64_Ehdr) || bytes.compare(0, SELFMAG, ELFMAG) != 0 || bytes[EI_CLASS] != ELFCLASS64) {
    return std::nullopt;
  }
  const auto header = at<Elf64_Ehdr>(bytes, 0);
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
    return std::nullopt;
  }
  Elf elf;
  elf.position_independent = header.e_type == ET_DYN;
  std::vector<Elf64_Phdr> segments;
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    segments.push_back(at<Elf64_Phdr>(bytes, header.e_phoff + i * header.e_phentsize));
  }
  const auto offset_of = [&](std::uint64_t address) -> std::size_t {
    for (const Elf64_Phdr& segment : segments) {
      if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address < segment.p_vaddr + segment.p_filesz) {
        return address - segment.p_vaddr + segment.p_offset;
      }
    }
    throw std::runtime_error("an address outside all segments");
  };
  std::size_t strings = 0;
  std::vector<Elf64_Dyn> dynamic;
  for (const Elf64_Phdr& segment : segments) {
    elf.relro = elf.relro || segment.p_type == PT_GNU_RELRO;
    if (segment.p_type == PT_GNU_STACK) {
      elf.executable_stack = (segment.p_flags & PF_X) != 0;
    }
    for (std::size_t o = 0; segment.p_type == PT_DYNAMIC && o < segment.p_filesz; o += sizeof(Elf64_Dyn)) {
      dynamic.push_back(at<Elf64_Dyn>(bytes, segment.p_offset + o));
      if (dynamic.back().d_tag == DT_STRTAB) {
        strings = offset_of(dynamic.back().d_un.d_ptr);
      }
    }
  }
  for (const Elf64_Dyn& entry : dynamic) {
    if (entry.d_tag == DT_RPATH || entry.d_tag == DT_RUNPATH) {
      elf.search_paths.emplace_back(bytes.c_str() + strings + entry.d_un.d_val);
    }
    elf.bind_now = elf.bind_now || entry.d_tag == DT_BIND_NOW ||
                   (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_BIND_NOW) != 0) ||
                   (entry.d_tag == DT_FLAGS_1 && (entry.d_un.d_val & DF_1_NOW) != 0);
  }
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    const auto section = at<Elf64_Shdr>(bytes, header.e_shoff + i * header.e_shentsize);
    for (std::size_t o = 0; section.sh_type == SHT_DYNSYM && o < section.sh_size; o += sizeof(Elf64_Sym)) {
      elf.symbols.emplace_back(bytes.c_str() + strings + at<Elf64_Sym>(bytes, section.sh_offset + o).st_name);
    }
  }
  return elf;
}

/// Elements as the loader cuts them: "a:" has two, and the empty one is the current directory.
std::vector<std::string> elements_of(const std::string& path) {
  std::vector<std::string> elements(1);
  for (const char c : path) {
    if (c == ':') {
      elements.emplace_back();
    } else {
      elements.back() += c;
    }
  }
  return elements;
}

/// Why code should not be loaded from there; empty: it may be.
std::string fault_of(const std::string& element) {
  if (element.empty()) {
    return "is empty, which is the current directory";
  }
  if (element[0] != '/') {
    return "is relative";
  }
  struct stat status {};
  for (fs::path at = element; ::stat(at.c_str(), &status) == 0; at = at.parent_path()) {
    if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
      return "can be written to by anybody, in " + at.string();
    }
    if (at == at.root_path()) {
      return "";
    }
  }
  return "does not exist, so that somebody may create it";
}

std::vector<fs::path> binaries_below(const fs::path& folder) {
  std::vector<fs::path> found;
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry->is_directory() && entry->path().filename() == "CMakeFiles") {
      entry.disable_recursion_pending();  // CMake's own probes
    } else if (entry->is_regular_file() && !entry->is_symlink() && read_elf(entry->path())) {
      found.push_back(entry->path());
    }
  }
  return found;
}

void expect_hardened(const fs::path& binary) {
  const Elf elf = *read_elf(binary);
  for (const std::string& path : elf.search_paths) {
    for (const std::string& element : elements_of(path)) {
      EXPECT_EQ(fault_of(element), "") << binary << " has the search path '" << path << "', and '" << element << "'";
    }
  }
  EXPECT_TRUE(elf.position_independent) << binary;
  EXPECT_FALSE(elf.executable_stack) << binary;
#ifdef ITM_HARDENED
  EXPECT_TRUE(elf.relro) << binary;
  EXPECT_TRUE(elf.bind_now) << binary;
#endif
}

TEST(Hardening, ElementsOfASearchPathAreJudgedAsTheLoaderReadsThem) {
  EXPECT_EQ(elements_of("/usr/lib:"), (std::vector<std::string>{"/usr/lib", ""}));
  EXPECT_EQ(fault_of("/usr/lib"), "");
  EXPECT_NE(fault_of(""), "");
  EXPECT_NE(fault_of("lib"), "");
  EXPECT_NE(fault_of("$ORIGIN/lib"), "");
  EXPECT_NE(fault_of("/nonexistent"), "");
  TemporaryFolder folder;
  fs::permissions(folder.path(), fs::perms::all);
  EXPECT_NE(fault_of(folder.path()), "");
}

TEST(Hardening, EveryBinaryOfTheBuildLoadsCodeFromTheSystemAlone) {
  const std::vector<fs::path> binaries = binaries_below(ITM_BUILD_FOLDER);
  ASSERT_NE(std::find(binaries.begin(), binaries.end(), fs::path(testing::binary())), binaries.end());
  std::for_each(binaries.begin(), binaries.end(), expect_hardened);
}

TEST(Hardening, SoDoesTheInstalledProgram) {
  TemporaryFolder prefix;
  const Finished installed =
      RunningItm({"--install", ITM_BUILD_FOLDER, "--prefix", prefix.path().string()}, ITM_CMAKE).wait();
  ASSERT_EQ(installed.status, 0) << installed.err;
  const std::vector<fs::path> binaries = binaries_below(prefix.path());
  ASSERT_EQ(binaries.size(), 1U);
  expect_hardened(binaries.front());
  EXPECT_EQ(RunningItm({"--version"}, binaries.front().string()).wait().status, 0) << "a library is not found";
}

TEST(Hardening, StacksAndBuffersAreChecked) {
#ifdef ITM_HARDENED
  const Elf elf = *read_elf(testing::binary());
  const auto has = [&](const auto& wanted) { return std::any_of(elf.symbols.begin(), elf.symbols.end(), wanted); };
  EXPECT_TRUE(has([](const std::string& name) { return name.starts_with("__stack_chk_fail"); }));
#ifdef ITM_FORTIFIED
  EXPECT_TRUE(has([](const std::string& name) {
    return name.starts_with("__") && name.ends_with("_chk") && name != "__stack_chk_fail";
  }));
#endif
#else
  GTEST_SKIP() << "built with ITM_HARDEN=OFF";
#endif
}

}  // namespace
}  // namespace itm::testing
