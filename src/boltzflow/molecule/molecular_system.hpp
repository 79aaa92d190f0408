// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace boltzflow {

struct Atom {
  std::string name;          ///< "CA"; empty where the source has no names
  std::string element;       ///< symbol, "C"; derived from the mass where the source has none
  std::string residue_name;  ///< "ALA"
  int residue_number = 1;    ///< as in the source, or counted from 1
  std::string chain = "A";
  double mass = 0;  ///< amu
};

/// U = 1/2 force_constant (r - length)^2
struct HarmonicBond {
  int i, j;
  double length;          ///< nm
  double force_constant;  ///< kJ/mol/nm^2
};

/// U = 1/2 force_constant (theta - angle)^2, theta = angle i-j-k at j
struct HarmonicAngle {
  int i, j, k;
  double angle;           ///< rad
  double force_constant;  ///< kJ/mol/rad^2
};

/// U = force_constant (1 + cos(periodicity phi - phase)), propers and impropers alike
struct PeriodicTorsion {
  int i, j, k, l;
  int periodicity;
  double phase;           ///< rad
  double force_constant;  ///< kJ/mol
};

/// Lennard-Jones (Lorentz-Berthelot mixing) and Coulomb parameters of an atom.
struct NonbondedParticle {
  double charge;   ///< e
  double sigma;    ///< nm
  double epsilon;  ///< kJ/mol
};

/// Replaces the pair interaction of i and j (all zero: excluded).
struct NonbondedException {
  int i, j;
  double charge_product;  ///< e^2
  double sigma;           ///< nm
  double epsilon;         ///< kJ/mol
};

/// No interaction of pairs at or beyond a distance, without periodic boundaries, with a reaction field for Coulomb as
/// in Tironi et al., J. Chem. Phys. 102 (1995) 5451 and OpenMM's CutoffNonPeriodic. For r < distance
///     U = q q' / (4 pi eps0) (1/r + k r^2 - c),   k = (e - 1)/((2 e + 1) distance^3),   c = 3 e/((2 e + 1) distance)
/// and Lennard-Jones as it is; exceptions know no cutoff. With e = 1 (what implicit solvents go with) k is 0.
struct NonbondedCutoff {
  double distance;                       ///< nm
  double reaction_field_dielectric = 1;  ///< e
};

/// The neck between two atoms of a GBn model (Mongan et al., J. Chem. Theory Comput. 3 (2007) 156) adds to the
/// descreening integral of atom i, for every j nearer than r_i + r_j + cutoff,
///     scale h / (1 + 100 (r - d)^2 + 3e5 (r - d)^6),   h = height, d = distance of the pair (row i, column j).
struct BornNeck {
  double scale;                          ///< 0.361825 for GBn, 0.826836 for GBn2
  double cutoff = 0.68;                  ///< nm
  int n_radii;                           ///< different radii in the system
  std::vector<double> height, distance;  ///< [n_radii, n_radii], not symmetric; 1/nm and nm
  std::vector<int> radius_index;         ///< one per atom, in [0, n_radii)
};

/// Generalised Born with the ACE surface term (formulas: docs/energy.md). With o_i the offset radius, r_i = o_i +
/// offset, I_i the pairwise descreening integral, necks included, and psi_i = I_i o_i:
///     HCT                    1/B_i = 1/o_i - I_i
///     OBC1, OBC2, GBn, GBn2  1/B_i = 1/o_i - tanh(alpha psi_i - beta psi_i^2 + gamma psi_i^3) / r_i
/// generalized_born_model() knows the constants of each model.
struct GeneralizedBorn {
  struct Particle {
    double charge;         ///< e
    double offset_radius;  ///< o_i = r_i - offset, nm
    double scaled_radius;  ///< scale_i o_i, nm; negative for sulphur in GBn2
  };
  struct Coefficients {
    double alpha, beta, gamma;
  };
  std::string model;          ///< "HCT", "OBC1", "OBC2", "GBn" or "GBn2"
  double alpha, beta, gamma;  ///< those of every atom, where `coefficients` is empty; HCT: 0
  double offset = 0.009;      ///< nm
  bool particle_inside_term;  ///< OpenMM's GBSAOBCForce has it, its CustomGBForce has not
  double coulomb_constant;    ///< CustomGBForce: 138.935485; GBSAOBCForce: boltzflow::coulomb_constant
  double solute_dielectric = 1;
  double solvent_dielectric = 78.5;
  double surface_coefficient;                   ///< kJ/mol/nm^2, 4 pi times the surface tension; 0: no surface term
  double probe_radius = 0.14;                   ///< nm
  std::vector<Particle> particles;              ///< one per atom
  std::vector<Coefficients> coefficients = {};  ///< GBn2: one per atom; else empty
  std::optional<BornNeck> neck = {};            ///< GBn and GBn2
  /// nm; pairs at or beyond it neither descreen nor interact, and for nearer ones the pair energy has 1/f - 1/cutoff
  /// for 1/f, as in OpenMM's CutoffNonPeriodic.
  std::optional<double> cutoff = {};
};

/// A fixed distance.
struct DistanceConstraint {
  int i, j;
  double distance;  ///< nm
};

/// One row of a Z-matrix: atom is placed at a bond length from `bond`, an angle with `angle`, a torsion with `torsion`.
struct ZMatrixRow {
  int atom, bond, angle, torsion;
  bool operator==(const ZMatrixRow&) const = default;
};

/// How a molecule's internal coordinates are defined: three root atoms and a row for every other atom.
/// Rows may refer to atoms that a later row places; every atom is placed exactly once.
struct ZMatrix {
  std::array<int, 3> root;  ///< atoms a, b, c: a at the origin, b bonded to a, c bonded to b
  std::vector<ZMatrixRow> rows;
};

/// This is everything about a molecule that the floors above need: topology, parameters, geometry; no file format.
/// Indices are 0-based and checked by validate(). Lengths in nm, energies in kJ/mol.
struct MolecularSystem {
  std::string name;          ///< "alanine-dipeptide"
  std::string description;   ///< "ACE-ALA-NME, amber96, OBC1 with ACE surface term"
  double temperature = 300;  ///< K, the default for this system
  std::vector<Atom> atoms;
  std::vector<std::array<int, 2>> bonds;  ///< covalent bond graph
  std::vector<HarmonicBond> harmonic_bonds;
  std::vector<HarmonicAngle> harmonic_angles;
  std::vector<PeriodicTorsion> periodic_torsions;
  std::vector<NonbondedParticle> nonbonded;  ///< one per atom, or empty
  std::vector<NonbondedException> exceptions;
  std::optional<NonbondedCutoff> cutoff;  ///< of nonbonded; the solvent has its own
  std::optional<GeneralizedBorn> generalized_born;
  std::vector<DistanceConstraint> constraints;
  std::vector<double>
      positions;  ///< [n_atoms, 3] a reference structure (minimum energy for built-in systems), or empty
  std::optional<ZMatrix> z_matrix;  ///< where the system comes with one; else built from the bond graph
  /// Torsions (four atoms each) that reports show: phi and psi of every residue that has them.
  std::vector<std::array<int, 4>> phi, psi;
  /// What gives the energy where the tables above do not: an analytic target by its name
  /// (energy/analytic_targets.hpp), which need not have atoms, or a shared library (energy/energy_plugin.hpp).
  /// make_potential() knows.
  std::string analytic_target = {}, energy_library = {};

  int n_atoms() const { return static_cast<int>(atoms.size()); }
};

/// Checks counts, index ranges, finite and physical parameters, no duplicate exceptions, connected bond graph.
/// @throws InputError naming `origin` and what is wrong.
void validate(const MolecularSystem& system, const std::string& origin);

}  // namespace boltzflow
