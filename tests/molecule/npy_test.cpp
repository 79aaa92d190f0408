// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/npy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/npz.hpp"
#include "molecule/fixtures.hpp"

namespace boltzflow {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

template <class T>
class NpyOfType : public testing::Test {};
using Types = testing::Types<float, double, std::int32_t, std::int64_t>;
TYPED_TEST_SUITE(NpyOfType, Types);

TYPED_TEST(NpyOfType, RoundTripKeepsEveryBit) {
  std::vector<TypeParam> values(24);
  std::iota(values.begin(), values.end(), TypeParam(-3));
  values[5] = std::numeric_limits<TypeParam>::max();
  {
    NpyWriter writer(scratch("a.npy"), number_type_of<TypeParam>(), {2, 3});
    writer.append(std::span<const TypeParam>(values).subspan(0, 6));
    writer.append(std::span<const TypeParam>(values).subspan(6));
    EXPECT_EQ(writer.n_rows(), 4);
    writer.finish();
  }
  const NpyArray array = read_npy(scratch("a.npy"));
  EXPECT_EQ(array.type, number_type_of<TypeParam>());
  EXPECT_EQ(array.shape, (std::vector<std::int64_t>{4, 2, 3}));
  EXPECT_EQ(std::memcmp(array.data.data(), values.data(), array.data.size()), 0);
  EXPECT_EQ(array.to_double()[0], -3.0);
}

std::string npy_file(const std::string& dictionary, const std::string& data) {
  std::string out("\x93NUMPY\1\0", 8);
  out += static_cast<char>(dictionary.size() & 0xff);
  out += static_cast<char>(dictionary.size() >> 8);
  return out + dictionary + data;
}

void expect_npy_error(const std::string& contents, const char* message) {
  write_bytes(scratch("bad.npy"), contents);
  EXPECT_THAT([] { read_npy(scratch("bad.npy")); }, ThrowsMessage<InputError>(HasSubstr(message))) << message;
}

TEST(Npy, HeadersThatAreWrongAreErrors) {
  const std::string data(24, '\0');
  write_bytes(scratch("good.npy"), npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}", data));
  EXPECT_EQ(read_npy(scratch("good.npy")).size(), 3);
  write_bytes(scratch("scalar.npy"),
              npy_file("{\"shape\":(),'fortran_order': False ,'descr':'<i8',}\n", std::string(8, '\1')));
  EXPECT_EQ(read_npy(scratch("scalar.npy")).size(), 1);

  expect_npy_error("", "too short");
  expect_npy_error(std::string(100, 'x'), "this is not a NumPy array");
  expect_npy_error(npy_file("{'descr': '<f8', 'fortran_order': True, 'shape': (3,)}", data), "Fortran order");
  expect_npy_error(npy_file("{'descr': '>f8', 'fortran_order': False, 'shape': (3,)}", data),
                   "type \">f8\" is not supported");
  expect_npy_error(npy_file("{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", data),
                   "type \"|O\" is not supported");
  expect_npy_error(npy_file("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,)}", data), "structured");
  expect_npy_error(npy_file("{'descr': '<f8', 'fortran_order': False}", data), "malformed");
  expect_npy_error(npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}", data), "malformed");
  expect_npy_error(npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} x", data), "malformed");
  expect_npy_error(npy_file("{'descr': '<f8", data), "malformed");
  expect_npy_error(npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (4,)}", data), "needs 32 bytes, but 24");
  expect_npy_error(npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", data), "needs 16 bytes, but 24");
}

// No memory is asked for on the word of a header.
TEST(Npy, HugeShapesAreErrorsAtOnce) {
  expect_npy_error(npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", ""),
                   "but 0 are there");
  expect_npy_error(npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4)}", ""),
                   "impossibly large");
  expect_npy_error(npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}", ""),
                   "malformed");
  expect_npy_error(std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12), "cut or malformed");
}

TEST(Npy, FramesNeedThreeDimensionsOfNumbers) {
  const auto expect_error = [](const char* dictionary, std::size_t n_bytes, const char* message) {
    write_bytes(scratch("bad.npy"), npy_file(dictionary, std::string(n_bytes, '\0')));
    EXPECT_THAT([] { read_frames(scratch("bad.npy")); }, ThrowsMessage<InputError>(HasSubstr(message)));
  };
  expect_error("{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}", 24, "must be [frames, atoms, 3]");
  expect_error("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3, 2)}", 48, "must be [frames, atoms, 3]");
  expect_error("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 1, 3)}", 24, "holds integers");
  expect_error("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 0, 3)}", 0, "must be [frames, atoms, 3]");
}

TEST(Npy, ATypeThatIsNotTheArraysIsRefused) {
  NpyWriter writer(scratch("a.npy"), NumberType::float64, {3});
  const std::vector<float> floats(6);
  const std::vector<double> four(4);
  EXPECT_THROW(writer.append(std::span<const float>(floats)), InputError);
  EXPECT_THROW(writer.append(std::span<const double>(four)), InputError);
}

void write_archive(const std::filesystem::path& path) {
  NpzWriter writer(path);
  const std::vector<double> numbers{1, 2, 3, 4, 5, 6};
  const std::vector<std::int64_t> integers{7, 8};
  writer.array("positions", NumberType::float64, {1, 3}).append(std::span<const double>(numbers));
  writer.array("steps", NumberType::int64, {}).append(std::span<const std::int64_t>(integers));
  writer.finish();
}

TEST(Npz, HoldsArraysByName) {
  write_archive(scratch("a.npz"));
  const NpzReader archive(scratch("a.npz"));
  EXPECT_EQ(archive.names(), (std::vector<std::string>{"positions", "steps"}));
  EXPECT_EQ(archive.header("positions").shape, (std::vector<std::int64_t>{2, 1, 3}));
  EXPECT_EQ(archive.read("steps").to_double(), (std::vector<double>{7, 8}));
  EXPECT_THAT([&] { archive.read("step"); }, ThrowsMessage<InputError>(HasSubstr("there is no such array")));
  EXPECT_EQ(read_frames(scratch("a.npz")).arrays.at("steps"), (std::vector<double>{7, 8}));
}

TEST(Npz, ADamagedArrayIsFoundByItsChecksum) {
  write_archive(scratch("a.npz"));
  std::string file = read_file(scratch("a.npz"));
  const double six = 6;
  const std::size_t at = file.find(std::string(reinterpret_cast<const char*>(&six), 8));
  ASSERT_NE(at, std::string::npos);
  file[at] ^= 1;
  write_bytes(scratch("bad.npz"), file);
  EXPECT_THAT([] { NpzReader(scratch("bad.npz")).read("positions"); }, ThrowsMessage<InputError>(HasSubstr("damaged")));
}

TEST(Npz, OtherFilesAreRefused) {
  write_bytes(scratch("bad.npz"), "not an archive");
  EXPECT_THAT([] { NpzReader(scratch("bad.npz")); }, ThrowsMessage<InputError>(HasSubstr("not a NumPy archive")));
  EXPECT_THROW(NpzReader(scratch("missing.npz")), MissingInputError);
  NpzWriter writer(scratch("other.npz"));
  const std::vector<double> numbers(3);
  EXPECT_THROW(writer.array("a/b", NumberType::float64, {}), InputError);
  writer.array("x", NumberType::float64, {}).append(std::span<const double>(numbers));
  writer.finish();
  EXPECT_THAT([] { read_frames(scratch("other.npz")); },
              ThrowsMessage<InputError>(
                  HasSubstr("there is no array \"positions\" [frames, atoms, 3] in this archive (it has x)")));
}

// Many appends of many sizes, 40 MB in all: what streams to disk comes back in order.
TEST(Npz, ManyPiecesComeBackInOrder) {
  constexpr int n_pieces = 500;
  double next = 0;
  {
    NpzWriter writer(scratch("big.npz"));
    for (int piece = 0; piece < n_pieces; ++piece) {
      std::vector<double> numbers(3 * (1 + (piece * 7919) % 6700));
      for (double& number : numbers) number = next++;
      writer.array("positions", NumberType::float64, {3}).append(std::span<const double>(numbers));
      writer.array("piece", NumberType::int32, {}).append(std::span<const std::int32_t>(&piece, 1));
    }
    writer.finish();
  }
  const NpzReader archive(scratch("big.npz"));
  const auto numbers = archive.read("positions").to_double();
  ASSERT_EQ(static_cast<double>(numbers.size()), next);
  for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], static_cast<double>(i));
  EXPECT_EQ(archive.read("piece").to_double().back(), n_pieces - 1);
  std::filesystem::remove(scratch("big.npz"));
}

}  // namespace
}  // namespace boltzflow
