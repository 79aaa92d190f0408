#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the files that the tests of the molecule floor read: `make_fixtures.py FOLDER`.

For every input NAME.xml, NAME.prmtop there is NAME.expected.json: a system file with the parameters as OpenMM itself has
them. The prmtop is written here, from a System's parameters, since OpenMM reads the format but does not write it.
"""
import json
import sys
from pathlib import Path

import openmm
from openmm import app, unit

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import make_systems  # noqa: E402

DEFINITION = make_systems.ALANINE_DIPEPTIDE


def generalized_born_of(force):
    if isinstance(force, openmm.GBSAOBCForce):
        rows = [make_systems.numbers(*force.getParticleParameters(i)) for i in range(force.getNumParticles())]
        surface = force.getSurfaceAreaEnergy().value_in_unit(unit.kilojoule_per_mole / unit.nanometer**2)
        return {"model": "OBC2", "alpha": 1.0, "beta": 0.8, "gamma": 4.85, "offset": 0.009, "particle_inside_term": True,
                "coulomb_constant": 138.93545764438198, "solute_dielectric": force.getSoluteDielectric(),
                "solvent_dielectric": force.getSolventDielectric(), "surface_coefficient": 4 * 3.14159265358979324 * surface,
                "probe_radius": 0.14, "particles": [[q, r - 0.009, (r - 0.009) * scale] for q, r, scale in rows]}
    born_radius = force.getComputedValueParameters(1)[1]
    terms = " ".join(force.getEnergyTermParameters(i)[0] for i in range(force.getNumEnergyTerms()))
    obc1 = "2.909125" in born_radius
    return {"model": "OBC1" if obc1 else "OBC2", "alpha": 0.8 if obc1 else 1.0, "beta": 0.0 if obc1 else 0.8,
            "gamma": 2.909125 if obc1 else 4.85, "offset": 0.009, "particle_inside_term": False,
            "coulomb_constant": 138.935485, "solute_dielectric": 1.0,
            "solvent_dielectric": 40.0 if "solventDielectric=40" in terms else 78.5,
            "surface_coefficient": 28.3919551 if "28.3919551" in terms else 0.0, "probe_radius": 0.14,
            "particles": [list(force.getParticleParameters(i)) for i in range(force.getNumParticles())]}


def expected_of(system, topology):
    bonds_only = openmm.XmlSerializer.clone(system)
    born = None
    for index in reversed(range(bonds_only.getNumForces())):
        if isinstance(bonds_only.getForce(index), (openmm.CustomGBForce, openmm.GBSAOBCForce)):
            born = generalized_born_of(system.getForce(index))
            bonds_only.removeForce(index)
    tables = {"constraints": [make_systems.numbers(*system.getConstraintParameters(i))
                              for i in range(system.getNumConstraints())]}
    for force in bonds_only.getForces():
        if isinstance(force, openmm.HarmonicBondForce):
            tables["harmonic_bonds"] = [make_systems.numbers(*force.getBondParameters(i)) for i in range(force.getNumBonds())]
        elif isinstance(force, openmm.HarmonicAngleForce):
            tables["harmonic_angles"] = [make_systems.numbers(*force.getAngleParameters(i)) for i in range(force.getNumAngles())]
        elif isinstance(force, openmm.PeriodicTorsionForce):
            tables["periodic_torsions"] = [make_systems.numbers(*force.getTorsionParameters(i))
                                           for i in range(force.getNumTorsions())]
        elif isinstance(force, openmm.NonbondedForce):
            tables["nonbonded"] = [make_systems.numbers(*force.getParticleParameters(i)) for i in range(force.getNumParticles())]
            tables["exceptions"] = [make_systems.numbers(*force.getExceptionParameters(i))
                                    for i in range(force.getNumExceptions())]
    if born:
        tables["generalized_born"] = born
    return {
        "format": "boltzflow-system", "version": 1, "name": "expected",
        "atoms": [[atom.name, atom.element.symbol, atom.residue.name, atom.residue.index + 1, "A",
                   system.getParticleMass(atom.index).value_in_unit(unit.dalton)] for atom in topology.atoms()],
        "bonds": sorted(sorted((bond[0].index, bond[1].index)) for bond in topology.bonds()), **tables,
        "phi": DEFINITION["phi"], "psi": DEFINITION["psi"]}


def write_system(folder, name, system, topology):
    (folder / f"{name}.xml").write_text(openmm.XmlSerializer.serialize(system))
    (folder / f"{name}.expected.json").write_text(json.dumps(expected_of(system, topology)))


def section(flag, form, fields):
    per_line, kind = {"20a4": (20, "{:<4}"), "10I8": (10, "{:>8d}"), "5E16.8": (5, "{:>16.8E}")}[form]
    lines = ["".join(kind.format(field) for field in fields[at:at + per_line]) for at in range(0, len(fields), per_line)]
    return f"%FLAG {flag}\n%FORMAT({form})\n" + "\n".join(lines or [""]) + "\n"


def prmtop_of(system, topology, scee=None, scnb=None):
    """A prmtop with the parameters of a System (nm and kJ/mol to Angstrom and kcal/mol)."""
    tables = expected_of(system, topology)
    atoms = list(topology.atoms())
    n_atoms = len(atoms)
    hydrogen = [atom.element.symbol == "H" for atom in atoms]
    neighbours = {i: set() for i in range(n_atoms)}
    for i, j in tables["bonds"]:
        neighbours[i].add(j)
        neighbours[j].add(i)

    def types_of(parameters):
        kinds = sorted(set(parameters))
        return kinds, [kinds.index(p) + 1 for p in parameters]

    bond_kinds, bond_types = types_of([(b[2], b[3]) for b in tables["harmonic_bonds"]])
    angle_kinds, angle_types = types_of([(a[3], a[4]) for a in tables["harmonic_angles"]])
    lj_kinds, lj_types = types_of([(p[1], p[2]) for p in tables["nonbonded"]])
    excepted = {(min(e[0], e[1]), max(e[0], e[1])): e for e in tables["exceptions"]}
    fourteen = {pair for pair, e in excepted.items() if e[4] != 0}

    torsions = [tuple(t) for t in tables["periodic_torsions"]]
    seen = set()
    dihedrals = []  # i, j, k, l, kind, counts the 1-4 pair, is improper
    chains = {(min(i, l), max(i, l)): (i, j, k, l) for j in range(n_atoms) for k in neighbours[j] for i in neighbours[j] - {k}
              for l in neighbours[k] - {j, i}}
    for pair in sorted(fourteen - {(min(t[0], t[3]), max(t[0], t[3])) for t in torsions}):
        torsions.append((*chains[pair], 1, 0.0, 0.0))
    for i, j, k, l, *kind in torsions:
        proper = j in neighbours[i] and k in neighbours[j] and l in neighbours[k]
        if k == 0 or l == 0:  # their signs carry meaning, and 0 has none
            i, j, k, l = l, k, j, i
        pair = (min(i, l), max(i, l))
        counts = proper and pair in fourteen and pair not in seen
        if counts:
            seen.add(pair)
        dihedrals.append((i, j, k, l, tuple(kind), counts, not proper))
    dihedral_kinds, dihedral_types = types_of([d[4] for d in dihedrals])

    def rows(items, types):
        with_h, without_h = [], []
        for item, kind in zip(items, types):
            (with_h if any(hydrogen[abs(i) // 3] for i in item) else without_h).append([*item, kind])
        return with_h, without_h
    bonds = rows([(3 * b[0], 3 * b[1]) for b in tables["harmonic_bonds"]], bond_types)
    angles = rows([(3 * a[0], 3 * a[1], 3 * a[2]) for a in tables["harmonic_angles"]], angle_types)
    torsion_rows = rows([(3 * i, 3 * j, 3 * k if counts or improper else -3 * k, -3 * l if improper else 3 * l)
                         for i, j, k, l, _, counts, improper in dihedrals], dihedral_types)
    excluded = [sorted(max(pair) + 1 for pair in excepted if min(pair) == i) or [0] for i in range(n_atoms)]
    table, coefficients = [[0] * len(lj_kinds) for _ in lj_kinds], []
    for i in range(len(lj_kinds)):
        for j in range(i + 1):
            sigma = 5 * (lj_kinds[i][0] + lj_kinds[j][0])
            epsilon = (lj_kinds[i][1] * lj_kinds[j][1]) ** 0.5 / 4.184
            coefficients.append((4 * epsilon * sigma**12, 4 * epsilon * sigma**6))
            table[i][j] = table[j][i] = len(coefficients)
    residues = list(topology.residues())
    pointers = [0] * 31
    pointers[:9] = [n_atoms, len(lj_kinds), len(bonds[0]), len(bonds[1]), len(angles[0]), len(angles[1]),
                    len(torsion_rows[0]), len(torsion_rows[1]), 0]
    pointers[10:18] = [sum(map(len, excluded)), len(residues), len(bonds[1]), len(angles[1]), len(torsion_rows[1]),
                       len(bond_kinds), len(angle_kinds), len(dihedral_kinds)]
    pointers[18] = len(lj_kinds)
    born = tables["generalized_born"]["particles"]
    flat = lambda lists: [item for entry in lists for item in entry]  # noqa: E731
    out = "%VERSION  VERSION_STAMP = V0001.000  DATE = 01/01/80  00:00:00\n"
    out += section("TITLE", "20a4", ["test"]) + section("POINTERS", "10I8", pointers)
    out += section("ATOM_NAME", "20a4", [a.name for a in atoms])
    out += section("CHARGE", "5E16.8", [p[0] * 18.2223 for p in tables["nonbonded"]])
    out += section("MASS", "5E16.8", [a[5] for a in tables["atoms"]])
    out += section("ATOM_TYPE_INDEX", "10I8", lj_types)
    out += section("NUMBER_EXCLUDED_ATOMS", "10I8", [len(e) for e in excluded])
    out += section("NONBONDED_PARM_INDEX", "10I8", flat(table))
    out += section("RESIDUE_LABEL", "20a4", [r.name for r in residues])
    out += section("RESIDUE_POINTER", "10I8", [next(r.atoms()).index + 1 for r in residues])
    out += section("BOND_FORCE_CONSTANT", "5E16.8", [k / 836.8 for _, k in bond_kinds])
    out += section("BOND_EQUIL_VALUE", "5E16.8", [10 * d for d, _ in bond_kinds])
    out += section("ANGLE_FORCE_CONSTANT", "5E16.8", [k / 8.368 for _, k in angle_kinds])
    out += section("ANGLE_EQUIL_VALUE", "5E16.8", [a for a, _ in angle_kinds])
    out += section("DIHEDRAL_FORCE_CONSTANT", "5E16.8", [k[2] / 4.184 for k in dihedral_kinds])
    out += section("DIHEDRAL_PERIODICITY", "5E16.8", [k[0] for k in dihedral_kinds])
    out += section("DIHEDRAL_PHASE", "5E16.8", [k[1] for k in dihedral_kinds])
    if scee:
        out += section("SCEE_SCALE_FACTOR", "5E16.8", [scee] * len(dihedral_kinds))
        out += section("SCNB_SCALE_FACTOR", "5E16.8", [scnb] * len(dihedral_kinds))
    out += section("SOLTY", "5E16.8", [0.0] * len(lj_kinds))
    out += section("LENNARD_JONES_ACOEF", "5E16.8", [c[0] for c in coefficients])
    out += section("LENNARD_JONES_BCOEF", "5E16.8", [c[1] for c in coefficients])
    for name, entries in (("BONDS", bonds), ("ANGLES", angles), ("DIHEDRALS", torsion_rows)):
        out += section(f"{name}_INC_HYDROGEN", "10I8", flat(entries[0]))
        out += section(f"{name}_WITHOUT_HYDROGEN", "10I8", flat(entries[1]))
    out += section("EXCLUDED_ATOMS_LIST", "10I8", flat(excluded))
    for flag in ("HBOND_ACOEF", "HBOND_BCOEF", "HBCUT"):
        out += section(flag, "5E16.8", [])
    out += section("AMBER_ATOM_TYPE", "20a4", [f"T{t}" for t in lj_types])
    out += section("TREE_CHAIN_CLASSIFICATION", "20a4", ["BLA"] * n_atoms)
    out += section("JOIN_ARRAY", "10I8", [0] * n_atoms) + section("IROTAT", "10I8", [0] * n_atoms)
    out += section("RADIUS_SET", "20a4", ["mbon", "di2"])
    out += section("RADII", "5E16.8", [10 * (p[1] + 0.009) for p in born])
    out += section("SCREEN", "5E16.8", [p[2] / p[1] for p in born])
    return out


def gromacs_of(system, topology):
    """A GROMACS topology of a System's bonded and nonbonded terms: every atom has a type of its own, so that bonds, angles
    and half of the torsions can take their parameters from types; impropers and the other half have theirs in the line."""
    tables = expected_of(system, topology)
    atoms = list(topology.atoms())
    types = [f"t{atom.index}" for atom in atoms]
    excepted = {(min(e[0], e[1]), max(e[0], e[1])): e for e in tables["exceptions"]}
    degrees = 57.29577951308232
    numbers = lambda values: " ".join(repr(float(value)) for value in values)  # noqa: E731
    names = lambda indices: " ".join(types[i] for i in indices)  # noqa: E731
    ranks = lambda indices: " ".join(str(i + 1) for i in indices)  # noqa: E731
    torsions, bonds = {}, {tuple(bond) for bond in tables["bonds"]}
    for i, j, k, m, periodicity, phase, constant in tables["periodic_torsions"]:
        torsions.setdefault((i, j, k, m), []).append(f"{numbers((phase * degrees, constant))} {periodicity}")
    proper = {key for key in torsions if all((min(pair), max(pair)) in bonds for pair in zip(key, key[1:]))}
    typed = {key for n, key in enumerate(sorted(proper)) if n % 2 == 0}
    sections = {
        "defaults": ["1 2 yes 0.5 0.833333 ; a comment"],
        "atomtypes": [f"{types[a.index]} {a.element.atomic_number} {tables['atoms'][a.index][5]!r} 0.0 A "
                      f"{numbers(tables['nonbonded'][a.index][1:])}" for a in atoms],
        "bondtypes": [f"{names(b[:2])} 1 {numbers(b[2:])}" for b in tables["harmonic_bonds"]],
        "angletypes": [f"{names(a[2::-1])} 1 {numbers((a[3] * degrees, a[4]))}" for a in tables["harmonic_angles"]],
        "dihedraltypes": [f"{names(key)} 9 {term}" for key in sorted(typed) for term in torsions[key]],
        "moleculetype": ["peptide 3"],
        "atoms": [f"{a.index + 1} {types[a.index]} {a.residue.index + 1} {a.residue.name} {a.name} {a.index + 1} "
                  f"{numbers(tables['nonbonded'][a.index][:1])}" for a in atoms],
        "bonds": [f"{ranks(b[:2])} 1" for b in tables["harmonic_bonds"]],
        "pairs": [f"{ranks(pair)} 1" for pair, e in excepted.items() if e[2] != 0 or e[4] != 0],
        "angles": [f"{ranks(a[:3])} 1" for a in tables["harmonic_angles"]],
        "dihedrals": [f"{ranks(key)} 9" for key in sorted(typed)] + [
            f"{ranks(key)} {9 if key in proper else 4} {term}" for key in torsions if key not in typed
            for term in torsions[key]],
        "system": ["a peptide"], "molecules": ["peptide 1"]}
    return "".join(f"[ {name} ]\n" + "\n".join(lines) + "\n\n" for name, lines in sections.items())


def gro_of(topology, positions):
    rows = [f"{a.residue.index + 1:5d}{a.residue.name:<5s}{a.name:>5s}{a.index + 1:5d}" + "".join(f"{x:11.6f}" for x in p)
            for a, p in zip(topology.atoms(), positions)]
    return f"a peptide\n{len(rows)}\n" + "\n".join(rows) + "\n   5.0 5.0 5.0\n"


def inpcrd_of(positions):
    numbers = [10 * x for x in positions.flatten()]
    lines = ["".join(f"{x:12.7f}" for x in numbers[at:at + 6]) for at in range(0, len(numbers), 6)]
    return f"test\n{len(positions):5d}\n" + "\n".join(lines) + "\n"


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    topology = make_systems.topology_of(DEFINITION)
    obc1 = app.ForceField("amber96.xml", "implicit/obc1.xml")
    reference = obc1.createSystem(topology)
    positions = make_systems.start_structure(DEFINITION, reference)
    with open(folder / "structure.pdb", "w") as file:
        app.PDBFile.writeFile(topology, positions * unit.nanometer, file, keepIds=True)

    write_system(folder, "obc1", reference, topology)
    write_system(folder, "obc2", app.ForceField("amber96.xml", "implicit/obc2.xml").createSystem(topology), topology)
    write_system(folder, "gbsa_obc", app.ForceField("amber99sbildn.xml", "amber99_obc.xml").createSystem(topology), topology)
    write_system(folder, "vacuum", app.ForceField("amber96.xml").createSystem(topology), topology)
    for name, constraints in (("h_bonds", app.HBonds), ("all_bonds", app.AllBonds), ("h_angles", app.HAngles)):
        write_system(folder, name, obc1.createSystem(topology, constraints=constraints), topology)
    heavy = obc1.createSystem(topology, hydrogenMass=4 * unit.dalton)
    write_system(folder, "heavy_hydrogens", heavy, topology)

    # What must be refused; the same structure throughout.
    cutoff = app.ForceField("amber96.xml").createSystem(topology, nonbondedMethod=app.CutoffNonPeriodic)
    for force in cutoff.getForces():
        if isinstance(force, openmm.NonbondedForce):
            force.setNonbondedMethod(openmm.NonbondedForce.CutoffPeriodic)
    (folder / "refused_cutoff.xml").write_text(openmm.XmlSerializer.serialize(cutoff))
    for name, force in (("custom_bond", openmm.CustomBondForce("k*r")), ("cmap", openmm.CMAPTorsionForce())):
        system = openmm.XmlSerializer.clone(reference)
        system.addForce(force)
        (folder / f"refused_{name}.xml").write_text(openmm.XmlSerializer.serialize(system))
    virtual = openmm.XmlSerializer.clone(reference)
    virtual.setParticleMass(21, 0)
    virtual.setVirtualSite(21, openmm.TwoParticleAverageSite(19, 20, 0.5, 0.5))
    (folder / "refused_virtual_site.xml").write_text(openmm.XmlSerializer.serialize(virtual))

    for name, scales in (("plain", {}), ("scaled", {"scee": 1.3, "scnb": 2.5})):
        path = folder / f"{name}.prmtop"
        path.write_text(prmtop_of(reference, topology, **scales))
        (folder / f"{name}.inpcrd").write_text(inpcrd_of(positions))
        prmtop = app.AmberPrmtopFile(str(path))
        for solvent, model in (("none", None), ("obc1", app.OBC1), ("obc2", app.OBC2)):
            system = prmtop.createSystem(implicitSolvent=model)
            write_system(folder, f"{name}_{solvent}", system, prmtop.topology)
        for model in (app.HCT, app.GBn, app.GBn2):  # the last two take screens of their own
            system = prmtop.createSystem(implicitSolvent=model)
            (folder / f"{name}_{str(model).lower()}.xml").write_text(openmm.XmlSerializer.serialize(system))
    (folder / "gromacs.top").write_text(gromacs_of(reference, topology))
    (folder / "gromacs.gro").write_text(gro_of(topology, positions))
    gromacs = app.GromacsTopFile(str(folder / "gromacs.top"))
    write_system(folder, "gromacs", gromacs.createSystem(), gromacs.topology)
    salt = app.AmberPrmtopFile(str(folder / "plain.prmtop")).createSystem(
        implicitSolvent=app.OBC1, implicitSolventKappa=1 / unit.nanometer)
    (folder / "refused_salt.xml").write_text(openmm.XmlSerializer.serialize(salt))
    no_surface = app.AmberPrmtopFile(str(folder / "plain.prmtop")).createSystem(
        implicitSolvent=app.OBC1, gbsaModel=None, solventDielectric=40.0)
    write_system(folder, "no_surface", no_surface, topology)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
