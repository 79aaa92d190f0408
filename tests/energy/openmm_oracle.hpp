// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace boltzflow::testing {

/// This is OpenMM's own evaluation of a System XML; OpenMM's headers stay behind it.
class OpenMMOracle {
 public:
  /// platform: "Reference" or "CPU"; n_threads is for the CPU platform.
  OpenMMOracle(const std::string& xml_path, const std::string& platform, int n_threads = 1);
  ~OpenMMOracle();
  int n_atoms() const;
  /// positions [n_samples, n_atoms, 3] nm -> energy [n_samples] kJ/mol and forces [n_samples, n_atoms, 3] kJ/mol/nm.
  /// forces may be empty: energies alone.
  void evaluate(std::span<const double> positions, std::span<double> energy, std::span<double> forces);

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace boltzflow::testing
