// Broken files, one row each: what is in the file, and what the one sentence about it says.

#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <vector>

#include "files.hpp"
#include "itm/array.hpp"
#include "itm/zoo.hpp"

namespace itm {
namespace {

using test::bytes_of;
using test::npy;
using test::npy_dict;
using test::npy_features;
using test::Packing;
using test::safetensors;
using test::zip;

struct Broken {
  const char* name;
  const char* file;  ///< its suffix chooses the reader
  std::string bytes;
  const char* fragment;  ///< of the expected sentence
};

void PrintTo(const Broken& broken, std::ostream* out) { *out << broken.name; }

const std::string float_pair = std::string(8, '\0');
const std::string good_dict = npy_dict("<f4", "(2,)");

std::string with(std::string text, std::size_t at, char byte) {
  text[at] = byte;
  return text;
}

/// One tensor `feature` whose header entry is given.
std::string tensor(const std::string& entry, const std::string& data) {
  return safetensors("{\"feature\":" + entry + "}", data);
}

/// The archive with the declared uncompressed size in its central directory and local header replaced.
std::string with_declared_size(std::string archive, std::uint32_t size) {
  archive.replace(archive.find("PK\x03\x04") + 22, 4, bytes_of(size));
  archive.replace(archive.find("PK\x01\x02") + 24, 4, bytes_of(size));
  return archive;
}

/// One bit of the first member's data flipped, so that its checksum no longer fits.
std::string with_flipped_data(std::string archive) {
  archive[archive.find("PK\x01\x02") - 20] ^= 1;
  return archive;
}

std::vector<Broken> broken_npy() {
  const auto file = [](const char* name, std::string bytes, const char* fragment) {
    return Broken{name, "vgg_pets_feature.npy", std::move(bytes), fragment};
  };
  const std::string good = npy_features(3, 2);
  return {
      file("Empty", "", "is empty (0 bytes)"),
      file("OneByte", "\x93", "is not a .npy file"),
      file("Text", "these are not numbers at all", "is not a .npy file"),
      file("MagicOnly", "\x93NUMPY", "ends inside its header (6 bytes in all)"),
      file("Version9", with(good, 6, 9), "has .npy version 9.0"),
      file("Version0", with(good, 6, 0), "has .npy version 0.0"),
      file("Version1Minor1", with(good, 7, 1), "has .npy version 1.1"),
      file("HeaderLongerThanFile", good.substr(0, 50), "ends inside its header (50 of 128 bytes)"),
      file("HeaderOf4GiB", std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12) + good_dict,
           "claims a header of 4,294,967,295 bytes"),
      file("EmptyHeader", std::string("\x93NUMPY\x01\x00\x00\x00", 10) + "..", "damaged header (it ends too early"),
      file("TruncatedData", good.substr(0, good.size() - 1), "is truncated: 23 bytes of data, but its shape needs 24"),
      file("NoData", good.substr(0, 128), "is truncated: 0 bytes of data"),
      file("TrailingBytes", good + "abc", "holds 3 bytes after its array"),
      file("TwoArrays", good + good, "one array per file"),
      file("UnclosedBrace", npy(good_dict.substr(0, good_dict.size() - 1), float_pair), "damaged header"),
      file("UnclosedQuote", npy("{'descr': '<f4", float_pair), "a quote is never closed"),
      file("UnclosedTuple", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, }", float_pair),
           "damaged header"),
      file("ExtraBrace", npy(good_dict + "}", float_pair), "something follows its closing brace"),
      file("NoColon", npy("{'descr' '<f4'}", float_pair), "a colon is missing"),
      file("NoComma", npy("{'descr': '<f4' 'shape': (2,)}", float_pair), "a comma or a closing brace is missing"),
      file("NestedTooDeeply", npy(std::string(1'000, '('), float_pair), "nested too deeply"),
      file("HeaderIsAList", npy("['<f4', False, (2,)]", float_pair), "has a header that is not a dict"),
      file("HeaderIsCode", npy("__import__('os')", float_pair), "an unknown value"),
      file("NoDescr", npy("{'fortran_order': False, 'shape': (2,)}", float_pair), "without 'descr'"),
      file("NoShape", npy("{'descr': '<f4', 'fortran_order': False}", float_pair), "without 'shape'"),
      file("NoOrder", npy("{'descr': '<f4', 'shape': (2,)}", float_pair), "without 'fortran_order'"),
      file("OrderIsANumber", npy("{'descr': '<f4', 'fortran_order': 1, 'shape': (2,)}", float_pair),
           "without 'fortran_order' True or False"),
      file("DescrIsANumber", npy("{'descr': 4, 'fortran_order': False, 'shape': (2,)}", float_pair),
           "'descr' is not text"),
      file("ShapeIsANumber", npy(npy_dict("<f4", "2"), float_pair), "'shape' is not a tuple"),
      file("ShapeOfText", npy(npy_dict("<f4", "('2',)"), float_pair), "'shape' holds 2, no possible size"),
      file("ShapeOfTuples", npy(npy_dict("<f4", "((2,),)"), float_pair), "something that is no number"),
      file("NegativeShape", npy(npy_dict("<f4", "(-2,)"), float_pair), "'shape' holds -2, no possible size"),
      file("ShapeBeyond64Bits", npy(npy_dict("<f4", "(99999999999999999999,)"), float_pair), "no possible size"),
      file("ShapeProductOverflows", npy(npy_dict("<f4", "(4294967296, 4294967296)"), float_pair),
           "claims the impossible shape [4294967296, 4294967296]"),
      file("HugeShape", npy(npy_dict("<f4", "(1000000000, 1000000)"), float_pair),
           "its shape needs 4,000,000,000,000,000"),
      file("NoRows", npy(npy_dict("<f4", "(0, 768)"), ""), "holds no values (shape [0, 768])"),
      file("Scalar", npy(npy_dict("<f4", "()"), std::string(4, '\0')), "is a single number"),
      file("ThreeDimensions", npy(npy_dict("<f4", "(1, 2, 1)"), float_pair),
           "has 3 dimensions [1, 2, 1]; pool it to [N, D] first"),
      file("FourDimensions", npy(npy_dict("<f4", "(1, 2, 1, 1)"), float_pair), "has 4 dimensions"),
      file("Structured", npy("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (2,)}", float_pair),
           "has a structured dtype"),
      file("Objects", npy(npy_dict("|O", "(1,)"), float_pair), "holds Python objects (dtype '|O')"),
      file("Complex", npy(npy_dict("<c8", "(1,)"), float_pair), "holds complex numbers (dtype '<c8')"),
      file("Strings", npy(npy_dict("<U2", "(1,)"), float_pair), "holds text (dtype '<U2')"),
      file("Dates", npy(npy_dict("<M8[ns]", "(1,)"), float_pair), "holds dates"),
      file("RawBytes", npy(npy_dict("|V2", "(4,)"), float_pair), "holds raw bytes"),
      file("LongDouble", npy(npy_dict("<f16", "(1,)"), std::string(16, '\0')), "an unsupported type (dtype '<f16')"),
      file("NoDtype", npy(npy_dict("", "(1,)"), float_pair), "an unsupported type (dtype '')"),
      file("DtypeWithANewline", npy(npy_dict("a\nb", "(1,)"), float_pair), "(dtype 'a\\x0ab')"),
  };
}

std::vector<Broken> broken_npz() {
  const auto file = [](const char* name, std::string bytes, const char* fragment) {
    return Broken{name, "vgg_pets.npz", std::move(bytes), fragment};
  };
  const std::string good = zip({{"feature.npy", npy_features(3, 2)}}, Packing::deflated);
  const std::string stored = zip({{"feature.npy", npy_features(3, 2)}}, Packing::stored);
  const auto member = [](const std::string& bytes) { return zip({{"feature.npy", bytes}}, Packing::deflated); };
  return {
      file("NpzEmpty", "", "is empty (0 bytes)"),
      file("NpzText", "no archive", "is not a readable .npz archive"),
      file("NpzTruncated", good.substr(0, good.size() / 2), "is not a readable .npz archive"),
      file("NpzIsNpy", npy_features(3, 2), "is not a readable .npz archive"),
      file("NpzOtherKeys", zip({{"x.npy", npy_features(3, 2)}, {"y.npy", ""}}, Packing::stored),
           "has no array 'feature' (it holds x, y); write it with numpy.savez"),
      file("NpzKeyWithoutSuffix", zip({{"feature", npy_features(3, 2)}}, Packing::stored), "(it holds nothing)"),
      file("NpzMemberIsText", member("plain text in here"), "vgg_pets.npz[feature]: is not a .npy file"),
      file("NpzMemberIsEmpty", member(""), "is not a .npy file"),
      file("NpzMemberEndsInHeader", member(npy_features(3, 2).substr(0, 60)), "ends inside its header (60 of 128"),
      file("NpzMemberTruncated", member(npy_features(3, 2).substr(0, 140)),
           "unpacks to 140 bytes, but its shape needs 152"),
      file("NpzMemberTrailing", member(npy_features(3, 2) + "abc"), "unpacks to 155 bytes, but its shape needs 152"),
      file("NpzMember3D", member(npy(npy_dict("<f4", "(1, 2, 1)"), float_pair)), "pool it to [N, D] first"),
      file("NpzMemberClaimsTerabytes", member(npy(npy_dict("<f4", "(1000000, 1000000)"), float_pair)),
           "its shape needs 4,000,000,000,128"),
      file("NpzMemberNumberOfRowsLies",
           with_declared_size(member(npy(npy_dict("<f4", "(100000000, 10)"), float_pair)), 4'000'000'128U),
           "vgg_pets.npz[feature]: "),
      // Two million zero bytes deflate to two kilobytes; the header promises only eight.
      file("NpzBomb", with_declared_size(member(npy(good_dict, std::string(2'000'000, '\0'))), 136),
           "vgg_pets.npz[feature]: "),
      file("NpzChecksum", with_flipped_data(stored), "cannot be unpacked (CRC error)"),
      file("NpzBzip2", zip({{"feature.npy", npy_features(3, 2)}}, Packing::bzip2), "is compressed with method 12"),
  };
}

std::vector<Broken> broken_safetensors() {
  const auto file = [](const char* name, std::string bytes, const char* fragment) {
    return Broken{name, "vgg_pets.safetensors", std::move(bytes), fragment};
  };
  const std::string entry = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  const std::string good = tensor(entry, float_pair);
  return {
      file("SafeEmpty", "", "is empty (0 bytes)"),
      file("SafeShort", "1234", "ends inside its header (4 bytes in all)"),
      file("SafeHeaderBeyondFile", good.substr(0, 30), "ends inside its header (22 of "),
      file("SafeHeaderHuge", std::string(8, '\xff') + "{}", "claims a header of 18,446,744,073,709,551,615 bytes"),
      file("SafeNoJson", safetensors("{'feature': 1}", ""), "it is not valid JSON"),
      file("SafeHalfJson", safetensors("{\"feature\":{", ""), "it is not valid JSON"),
      file("SafeBrokenUtf8", safetensors("{\"\xff\":1}", ""), "it is not valid JSON"),
      file("SafeArray", safetensors("[1,2]", ""), "no JSON object"),
      file("SafeDeep", safetensors(std::string(100'000, '['), ""), "nested deeper than 32 levels"),
      file("SafeTensorIsANumber", tensor("3", ""), "[feature]: is not described by a JSON object"),
      file("SafeNoOffsets", tensor(R"({"dtype":"F32","shape":[2]})", float_pair), "no usable 'data_offsets'"),
      file("SafeThreeOffsets", tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4,8]})", float_pair),
           "no usable 'data_offsets'"),
      file("SafeNegativeOffset", tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[-8,0]})", float_pair),
           "no usable 'data_offsets'"),
      file("SafeBackwards", tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", float_pair),
           "data_offsets [8, 0] that run backwards"),
      file("SafeTruncated", good.substr(0, good.size() - 3), "is truncated: 5 bytes of data, but its header needs 8"),
      file("SafeTrailing", good + "abc", "holds 3 bytes after its last tensor"),
      file("SafeOtherKeys", safetensors(R"({"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "a"),
           "has no array 'feature' (it holds x)"),
      file("SafeOnlyMetadata", safetensors(R"({"__metadata__":{"a":"b"}})", ""), "(it holds nothing)"),
      file("SafeNoDtype", tensor(R"({"shape":[2],"data_offsets":[0,8]})", float_pair), "has no 'dtype'"),
      file("SafeUnknownDtype", tensor(R"({"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]})", float_pair),
           "has dtype 'F8_E4M3'"),
      file("SafeNoShape", tensor(R"({"dtype":"F32","data_offsets":[0,8]})", float_pair), "has no 'shape'"),
      file("SafeTextShape", tensor(R"({"dtype":"F32","shape":["2"],"data_offsets":[0,8]})", float_pair),
           "has a 'shape' that holds"),
      file("SafeNegativeShape", tensor(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", float_pair),
           "'shape' that holds '-2', no possible size"),
      file("SafeShapeOverflows",
           tensor(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})", float_pair),
           "impossible shape"),
      file("SafeShapeMismatch", tensor(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", float_pair),
           "has 8 bytes of data, but its shape [3] needs 12"),
      file("Safe3D", tensor(R"({"dtype":"F32","shape":[1,2,1],"data_offsets":[0,8]})", float_pair),
           "pool it to [N, D] first"),
      file("SafeScalar", tensor(R"({"dtype":"F64","shape":[],"data_offsets":[0,8]})", float_pair),
           "is a single number"),
  };
}

std::vector<Broken> broken_truth() {
  const auto file = [](const char* name, std::string bytes, const char* fragment) {
    return Broken{name, "truth.csv", std::move(bytes), fragment};
  };
  return {
      file("CsvEmpty", "", "is empty (0 bytes)"),
      file("CsvBlank", "\n \r\n", "is empty; write a header line"),
      file("CsvNoModelColumn", "name,pets\nvgg,1\n", "line 1: the first column is 'name', not 'model'"),
      file("CsvSemicolons", "model;pets\nvgg;1\n", "the first column is 'model;pets', not 'model'"),
      file("CsvNoDataset", "model\nvgg\n", "line 1: there is no data set column"),
      file("CsvNamelessColumn", "model,,pets\nvgg,1,2\n", "line 1: column 2 has no name"),
      file("CsvDuplicateDataset", "\nmodel,pets,pets\nvgg,1,2\n", "line 2: data set 'pets' appears twice"),
      file("CsvDuplicateModel", "model,pets\nvgg,1\n\nvgg,2\n", "line 4: model 'vgg' appears twice"),
      file("CsvNoModels", "model,pets\n", "has a header but no models"),
      file("CsvNamelessModel", "model,pets\n,3\n", "line 2: the model has no name"),
      file("CsvShortRow", "model,pets,cars\nvgg,1\n", "line 2: 2 cells where the header has 3"),
      file("CsvLongRow", "model,pets\nvgg,1,2\n", "line 2: 3 cells where the header has 2"),
      file("CsvText", "model,pets\nvgg,good\n", "line 2: 'good' is not a number (model 'vgg', data set 'pets')"),
      file("CsvPercentSign", "model,pets\nvgg,93.5%\n", "line 2: '93.5%' is not a number"),
      file("CsvDecimalComma", "model,pets\nvgg,\"93,5\"\n", "line 2: '93,5' is not a number"),
      file("CsvNan", "model,pets\nvgg,nan\n", "line 2: 'nan' is not a finite number"),
      file("CsvInfinity", "model,pets\nvgg,-inf\n", "line 2: '-inf' is not a finite number"),
      file("CsvHuge", "model,pets\nvgg,1e999\n", "line 2: '1e999' is not a finite number"),
      file("CsvOpenQuote", "model,pets\n\"vgg,1\nb,2\n", "line 2: a quote is opened but never closed"),
      file("CsvTextAfterQuote", "model,pets\n\"vgg\"x,1\n", "line 2: text follows a closing quote"),
      file("CsvLinesInQuotesCount", "model,pets\n\"a\nb\",1\nc,x\n", "line 4: 'x' is not a number"),
      file("CsvUtf16", std::string("\xff\xfem\0o\0", 6), "is UTF-16 text"),
      file("CsvBinary", std::string("model\0", 6), "is not text (a zero byte at 5)"),
  };
}

class BrokenFile : public test::FileTest, public ::testing::WithParamInterface<Broken> {};

TEST_P(BrokenFile, GetsOneSentenceThatNamesIt) {
  const Broken& broken = GetParam();
  const std::filesystem::path file = write(broken.file, broken.bytes);
  const std::string sentence = test::refusal([&] {
    if (file.extension() == ".csv") {
      (void)read_ground_truth(file);
    } else {
      (void)read_array(file);
    }
  });
  EXPECT_TRUE(sentence.starts_with(file.string())) << sentence;
  EXPECT_NE(sentence.find(broken.fragment), std::string::npos) << "the sentence was: " << sentence;
}

const auto name_of_row = [](const auto& param) { return std::string(param.param.name); };
INSTANTIATE_TEST_SUITE_P(Npy, BrokenFile, ::testing::ValuesIn(broken_npy()), name_of_row);
INSTANTIATE_TEST_SUITE_P(Npz, BrokenFile, ::testing::ValuesIn(broken_npz()), name_of_row);
INSTANTIATE_TEST_SUITE_P(Safetensors, BrokenFile, ::testing::ValuesIn(broken_safetensors()), name_of_row);
INSTANTIATE_TEST_SUITE_P(Truth, BrokenFile, ::testing::ValuesIn(broken_truth()), name_of_row);

class BrokenPath : public test::FileTest {};

TEST_F(BrokenPath, IsNamed) {
  EXPECT_REFUSED(read_array(folder / "absent.npy"), "absent.npy: no such file");
  EXPECT_REFUSED(read_array(folder / "absent.npz"), "absent.npz: no such file");
  EXPECT_REFUSED(read_array(folder / "absent.safetensors"), "absent.safetensors: no such file");
  EXPECT_REFUSED(read_array(folder / "absent"), "absent: no such file");
  EXPECT_REFUSED(read_ground_truth(folder / "absent.csv"), "absent.csv: no such file");
  std::filesystem::create_directory(folder / "folder.npy");
  EXPECT_REFUSED(read_array(folder / "folder.npy"), "is a directory");
  std::filesystem::create_symlink("nowhere", folder / "link.npy");
  EXPECT_REFUSED(read_array(folder / "link.npy"), "no such file");
  EXPECT_REFUSED(read_ground_truth("/dev/zero"), "is not a regular file");
  write("features.h5", "\x89HDF");
  EXPECT_REFUSED(read_array(folder / "features.h5"), "is of no known format; name a .npy, .npz or .safetensors file");
}

}  // namespace
}  // namespace itm
