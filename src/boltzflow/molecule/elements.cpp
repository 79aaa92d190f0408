// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/elements.hpp"

#include <cmath>
#include <iterator>

namespace boltzflow {
namespace {

struct Element {
  std::string_view symbol;
  double mass;
};

// In the order of atomic numbers.
constexpr Element elements[] = {
    {"H", 1.008},   {"He", 4.0026}, {"Li", 6.94},   {"Be", 9.0122}, {"B", 10.81},   {"C", 12.011},  {"N", 14.007},
    {"O", 15.999},  {"F", 18.998},  {"Ne", 20.180}, {"Na", 22.990}, {"Mg", 24.305}, {"Al", 26.982}, {"Si", 28.085},
    {"P", 30.974},  {"S", 32.06},   {"Cl", 35.45},  {"Ar", 39.95},  {"K", 39.098},  {"Ca", 40.078}, {"Sc", 44.956},
    {"Ti", 47.867}, {"V", 50.942},  {"Cr", 51.996}, {"Mn", 54.938}, {"Fe", 55.845}, {"Co", 58.933}, {"Ni", 58.693},
    {"Cu", 63.546}, {"Zn", 65.38},  {"Ga", 69.723}, {"Ge", 72.630}, {"As", 74.922}, {"Se", 78.971}, {"Br", 79.904},
    {"Kr", 83.798}, {"Rb", 85.468}, {"Sr", 87.62},  {"Y", 88.906},  {"Zr", 91.224}, {"Nb", 92.906}, {"Mo", 95.95},
    {"Tc", 97.0},   {"Ru", 101.07}, {"Rh", 102.91}, {"Pd", 106.42}, {"Ag", 107.87}, {"Cd", 112.41}, {"In", 114.82},
    {"Sn", 118.71}, {"Sb", 121.76}, {"Te", 127.60}, {"I", 126.90},  {"Xe", 131.29}, {"Cs", 132.91}, {"Ba", 137.33},
    {"La", 138.91}, {"Ce", 140.12}, {"Pr", 140.91}, {"Nd", 144.24}, {"Pm", 145.0},  {"Sm", 150.36}, {"Eu", 151.96},
    {"Gd", 157.25}, {"Tb", 158.93}, {"Dy", 162.50}, {"Ho", 164.93}, {"Er", 167.26}, {"Tm", 168.93}, {"Yb", 173.05},
    {"Lu", 174.97}, {"Hf", 178.49}, {"Ta", 180.95}, {"W", 183.84},  {"Re", 186.21}, {"Os", 190.23}, {"Ir", 192.22},
    {"Pt", 195.08}, {"Au", 196.97}, {"Hg", 200.59}, {"Tl", 204.38}, {"Pb", 207.2},  {"Bi", 208.98}, {"Po", 209.0},
    {"At", 210.0},  {"Rn", 222.0}};

std::string_view nearest_element(double mass) {
  const Element* nearest = &elements[0];
  for (const Element& element : elements)
    if (std::abs(element.mass - mass) < std::abs(nearest->mass - mass)) nearest = &element;
  return std::abs(nearest->mass - mass) <= 0.3 ? nearest->symbol : std::string_view();
}

}  // namespace

std::string_view element_symbol(int atomic_number) {
  return atomic_number >= 1 && atomic_number <= std::ssize(elements) ? elements[atomic_number - 1].symbol
                                                                     : std::string_view();
}

double element_mass(std::string_view symbol) {
  for (const Element& element : elements)
    if (element.symbol == symbol) return element.mass;
  return 0;
}

void derive_elements(MolecularSystem& system) {
  const double hydrogen_mass = elements[0].mass;
  std::vector<int> n_bonds(system.atoms.size(), 0);
  for (const auto& bond : system.bonds) ++n_bonds[bond[0]], ++n_bonds[bond[1]];
  const auto is_hydrogen = [&](int atom) { return system.atoms[atom].mass < 4.5 && n_bonds[atom] <= 1; };
  std::vector<double> borrowed(system.atoms.size(), 0);
  for (const auto& bond : system.bonds)
    for (int end : {0, 1})
      if (is_hydrogen(bond[end]) && !is_hydrogen(bond[1 - end]))
        borrowed[bond[1 - end]] += system.atoms[bond[end]].mass - hydrogen_mass;
  for (int i = 0; i < system.n_atoms(); ++i) {
    Atom& atom = system.atoms[i];
    if (!atom.element.empty()) continue;
    if (is_hydrogen(i)) {
      atom.element = "H";
      continue;
    }
    // As it stands first: a carbon with ordinary hydrogens must not be shifted by rounding in their masses.
    const auto plain = nearest_element(atom.mass);
    atom.element = std::abs(borrowed[i]) < 0.3 ? plain : nearest_element(atom.mass + borrowed[i]);
  }
}

}  // namespace boltzflow
