// SPDX-License-Identifier: MIT
// Time of the coordinate map per conformation and atom, one thread: reference, kernels, both precisions, for molecules
// of 22 to 336 atoms.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"
#include "boltzflow/molecule/load_system.hpp"
#include "coordinates/peptides.hpp"

namespace boltzflow {
namespace {

constexpr std::size_t n_samples = 1024;

const char* const molecules[] = {"alanine-dipeptide", "tetra", "elil", "all-residues"};

const MolecularSystem& molecule(std::int64_t index) {
  static const MolecularSystem systems[] = {load_system(molecules[0]), peptide(molecules[1]), peptide(molecules[2]),
                                            peptide(molecules[3])};
  return systems[index];
}

template <class Scalar>
struct Data {
  InternalCoordinates coordinates;
  std::size_t dimension = static_cast<std::size_t>(coordinates.dimension()),
              width = 3 * static_cast<std::size_t>(coordinates.n_atoms());
  std::vector<Scalar> z = std::vector<Scalar>(n_samples * dimension), x = std::vector<Scalar>(n_samples * width);
  std::vector<Scalar> z_gradient = z;
  std::vector<double> log_det = std::vector<double>(n_samples);
  std::vector<std::uint8_t> representable = std::vector<std::uint8_t>(n_samples);

  explicit Data(std::int64_t molecule_index) : coordinates(molecule(molecule_index)) {
    set_thread_count(1);
    RandomStream random(1);
    for (auto& value : z) value = static_cast<Scalar>(0.3 + 0.4 * random.uniform());
    coordinates.to_cartesian(z, x, log_det);
  }
};

void finish(benchmark::State& state, std::int64_t molecule_index) {
  state.SetLabel(std::string(molecules[molecule_index]) + ' ' + name_of(instruction_set()));
  const auto flags = benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert;
  state.counters["per_sample"] = benchmark::Counter(static_cast<double>(n_samples), flags);
  state.counters["per_sample_and_atom"] =
      benchmark::Counter(static_cast<double>(n_samples) * molecule(molecule_index).n_atoms(), flags);
}

template <class Scalar>
void to_cartesian(benchmark::State& state) {
  force_instruction_set(static_cast<InstructionSet>(state.range(0)));
  Data<Scalar> d(state.range(1));
  for (auto _ : state) d.coordinates.to_cartesian(d.z, d.x, d.log_det);
  finish(state, state.range(1));
}

template <class Scalar>
void to_cartesian_gradient(benchmark::State& state) {
  force_instruction_set(static_cast<InstructionSet>(state.range(0)));
  Data<Scalar> d(state.range(1));
  for (auto _ : state) d.coordinates.to_cartesian_gradient(d.z, d.x, d.log_det, d.z_gradient);
  finish(state, state.range(1));
}

template <class Scalar>
void from_cartesian(benchmark::State& state) {
  force_instruction_set(static_cast<InstructionSet>(state.range(0)));
  Data<Scalar> d(state.range(1));
  for (auto _ : state) d.coordinates.from_cartesian(d.x, d.z_gradient, d.log_det, d.representable);
  finish(state, state.range(1));
}

void reference_to_cartesian(benchmark::State& state) {
  Data<double> d(state.range(0));
  const InternalCoordinatesReference reference(molecule(state.range(0)), d.coordinates);
  std::vector<double> z(d.dimension, 0.5), x(d.width);
  for (auto _ : state)
    for (std::size_t s = 0; s < n_samples; ++s) benchmark::DoNotOptimize(reference.to_cartesian(z, x));
  finish(state, state.range(0));
}

void instruction_sets(benchmark::internal::Benchmark* benchmark) {
  for (int set = 0; set <= static_cast<int>(best_instruction_set()); ++set)
    for (int molecule = 0; molecule < 4; ++molecule) benchmark->Args({set, molecule});
}

BENCHMARK(to_cartesian<float>)->Apply(instruction_sets);
BENCHMARK(to_cartesian<double>)->Apply(instruction_sets);
BENCHMARK(to_cartesian_gradient<float>)->Apply(instruction_sets);
BENCHMARK(to_cartesian_gradient<double>)->Apply(instruction_sets);
BENCHMARK(from_cartesian<float>)->Apply(instruction_sets);
BENCHMARK(from_cartesian<double>)->Apply(instruction_sets);
BENCHMARK(reference_to_cartesian)->DenseRange(0, 3);

}  // namespace
}  // namespace boltzflow

BENCHMARK_MAIN();
