// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "boltzflow/molecule/load_system.hpp"

namespace boltzflow {

/// The folder that make_fixtures.py filled (a CTest fixture; by hand: make_fixtures.py FOLDER).
inline std::filesystem::path fixture(const std::string& name) {
  return std::filesystem::path(BOLTZFLOW_FIXTURES) / name;
}

/// A fresh path for a file that a test writes.
inline std::filesystem::path scratch(const std::string& name) {
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  std::string folder = std::string(info->test_suite_name()) + "." + info->name();
  for (char& c : folder)
    if (c == '/') c = '_';
  const auto path = std::filesystem::path(testing::TempDir()) / "boltzflow-molecule" / folder;
  std::filesystem::create_directories(path);
  return path / name;
}

/// Writes a file without waiting for the disk, as the thousands of spoiled files here need.
inline void write_bytes(const std::filesystem::path& path, const std::string& contents) {
  std::filesystem::remove(path);  // some file systems write a file that replaces its contents to disk at once
  std::ofstream file(path, std::ios::binary);
  file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace boltzflow
