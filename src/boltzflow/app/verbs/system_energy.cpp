// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "boltzflow/app/system_argument.hpp"
#include "boltzflow/app/verbs/verb_definitions.hpp"
#include "boltzflow/energy/potential.hpp"
#include "boltzflow/molecule/frames.hpp"

namespace boltzflow {
namespace {

struct Words {
  SystemArgument system;
  std::string frames, precision = "float64";
};

ExitStatus energy(const Words& words, const Invocation& invocation) {
  invocation.prepare();
  const MolecularSystem system = words.system.load();
  const Frames frames = read_frames(words.frames, &system);
  const auto potential = words.precision == "reference" ? make_reference_force_field(system) : make_force_field(system);
  const auto n_frames = static_cast<std::size_t>(frames.n_frames);
  std::vector<double> total(n_frames);
  if (words.precision == "float32") {
    const std::vector<float> positions(frames.positions.begin(), frames.positions.end());
    potential->energy(std::span<const float>(positions), total);
  } else {
    potential->energy(std::span<const double>(frames.positions), total);
  }
  const std::vector<std::string> names = potential->term_names();
  std::vector<double> terms(n_frames * names.size());
  potential->energy_terms(frames.positions, terms);

  nlohmann::ordered_json document{{"system", system.name},
                                  {"frames", words.frames},
                                  {"precision", words.precision},
                                  {"unit", "kJ/mol"},
                                  {"n_frames", n_frames},
                                  {"energy", total},
                                  {"terms", nlohmann::ordered_json::object()}};
  std::string text = fmt::format("# {}, kJ/mol, {}; {}\n# {:>6} {:>16}", system.name, words.precision,
                                 potential->description(), "frame", "total");
  for (std::size_t t = 0; t < names.size(); ++t) {
    std::vector<double> column(n_frames);
    for (std::size_t n = 0; n < n_frames; ++n) column[n] = terms[n * names.size() + t];
    document["terms"][names[t]] = column;
    text += fmt::format(" {:>16}", names[t]);
  }
  text += "\n";
  for (std::size_t n = 0; n < n_frames; ++n) {
    text += fmt::format("{:>8} {:>16.6f}", n, total[n]);
    for (std::size_t t = 0; t < names.size(); ++t) text += fmt::format(" {:>16.6f}", terms[n * names.size() + t]);
    text += "\n";
  }
  invocation.print(text, document);
  return ExitStatus::success;
}

}  // namespace

Verb::Action define_system_energy(CLI::App& options) {
  auto words = std::make_shared<Words>();
  words->system.define(options);
  options.add_option("FRAMES", words->frames, "conformations: .pdb, .dcd, or .npy or .npz [frames, atoms, 3] in nm")
      ->required();
  options
      .add_option(
          "--precision", words->precision,
          "of the total: float64 (default), float32, or reference, plain float64 loops; terms are in float64 always")
      ->check(CLI::IsMember({"float64", "float32", "reference"}));
  return [words](Invocation& invocation) { return energy(*words, invocation); };
}

}  // namespace boltzflow
