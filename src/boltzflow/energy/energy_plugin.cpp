// SPDX-License-Identifier: MIT
#include "boltzflow/energy/energy_plugin.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/energy/energy_plugin.h"
#include "boltzflow/energy/force_field_terms.hpp"
#include "boltzflow/molecule/elements.hpp"

namespace boltzflow {
namespace {

constexpr const char* function_name = "boltzflow_energy_v1";

std::int32_t atomic_number(std::string_view symbol) {
  for (int number = 1; !element_symbol(number).empty(); ++number)
    if (element_symbol(number) == symbol) return number;
  return 0;
}

class EnergyPlugin final : public Potential {
 public:
  EnergyPlugin(const std::filesystem::path& library, const MolecularSystem& system)
      : path_(std::filesystem::absolute(library).lexically_normal().string()) {
    if (!std::filesystem::exists(path_)) throw MissingInputError(path_ + ": there is no such file");
    for (const Atom& atom : system.atoms) atomic_numbers_.push_back(atomic_number(atom.element));
    for (const NonbondedParticle& particle : system.nonbonded) charge_ += particle.charge;
    charge_ = std::round(charge_) + 0.0;  // never -0
    handle_.reset(dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL));
    if (!handle_) {
      const char* const reason = dlerror();
      throw InputError(path_, fmt::format("this is no shared library that can be loaded: {}",
                                          reason == nullptr ? "no reason given" : reason));
    }
    function_ = reinterpret_cast<decltype(function_)>(dlsym(handle_.get(), function_name));
    if (function_ == nullptr)
      throw InputError(
          path_, fmt::format("this library does not export the function {} (energy/energy_plugin.h)", function_name));
  }

  int n_atoms() const noexcept override { return static_cast<int>(atomic_numbers_.size()); }
  std::string description() const override { return fmt::format("{} of {} atoms", path_, n_atoms()); }
  std::vector<std::string> term_names() const override { return {"energy"}; }

  void energy(std::span<const float> positions, std::span<double> energy) const override {
    evaluate(std::vector<double>(positions.begin(), positions.end()), energy, {});
  }
  void energy(std::span<const double> positions, std::span<double> energy) const override {
    evaluate(positions, energy, {});
  }
  void energy_and_gradient(std::span<const float> positions, std::span<double> energy,
                           std::span<float> gradient) const override {
    energy::check_sizes(n_atoms(), positions.size(), energy.size(), gradient.size());
    std::vector<double> wide(gradient.size());
    evaluate(std::vector<double>(positions.begin(), positions.end()), energy, wide);
    std::ranges::transform(wide, gradient.begin(), [](double g) { return static_cast<float>(g); });
  }
  void energy_and_gradient(std::span<const double> positions, std::span<double> energy,
                           std::span<double> gradient) const override {
    energy::check_sizes(n_atoms(), positions.size(), energy.size(), gradient.size());
    evaluate(positions, energy, gradient);
  }
  void energy_terms(std::span<const double> positions, std::span<double> terms) const override {
    evaluate(positions, terms, {});
  }

 private:
  void evaluate(std::span<const double> positions, std::span<double> energy, std::span<double> gradient) const {
    energy::check_sizes(n_atoms(), positions.size(), energy.size(),
                        gradient.empty() ? positions.size() : gradient.size());
    const std::size_t n_coordinates = 3 * atomic_numbers_.size();
    parallel_for(static_cast<std::int64_t>(energy.size()), 1, [&](std::int64_t begin, std::int64_t end, int) {
      const boltzflow_molecule molecule{n_atoms(), atomic_numbers_.data(), charge_};
      const auto first = static_cast<std::size_t>(begin) * n_coordinates;
      std::array<char, 1024> message{};
      const int status =
          function_(&molecule, end - begin, positions.data() + first, energy.data() + begin,
                    gradient.empty() ? nullptr : gradient.data() + first, message.data(), message.size());
      if (status == 0) return;
      message.back() = 0;
      throw Error(ExitStatus::failure, fmt::format("{}: {} returned {}: {}", path_, function_name, status,
                                                   message.front() == 0 ? "no reason given" : message.data()));
    });
  }

  struct CloseLibrary {
    void operator()(void* handle) const noexcept { dlclose(handle); }
  };

  std::string path_;
  std::vector<std::int32_t> atomic_numbers_;
  double charge_ = 0;
  std::unique_ptr<void, CloseLibrary> handle_;
  decltype(&boltzflow_energy_v1) function_ = nullptr;
};

}  // namespace

std::unique_ptr<Potential> load_energy_plugin(const std::filesystem::path& library, const MolecularSystem& system) {
  if (system.atoms.empty()) throw InputError(system.name, "an energy needs at least one atom");
  return std::make_unique<EnergyPlugin>(library, system);
}

}  // namespace boltzflow
