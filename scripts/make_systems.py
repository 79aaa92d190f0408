#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the built-in systems (data/systems/*.json) from OpenMM's own force fields, and nothing else.

    .environment/bin/python scripts/make_systems.py [--output FOLDER] [--program build/bin/boltzflow]

Structures are minimised in double precision. Those of systems with a Z-matrix begin with every bond and angle at its
force-field value and the torsions of the table below; those of the others with the structure of the committed file, or,
with --program, with what `boltzflow system build` gives. The format of the files is in docs/systems.md.
"""
import argparse
import json
import math
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import openmm
from openmm import app, unit
from xml.etree import ElementTree

PROJECT = Path(__file__).resolve().parent.parent

# How the literature orders the atoms of a residue; the other residues are in the order of the force field.
ALA = ("ALA", "N H CA HA CB HB1 HB2 HB3 C O")
ACE = ("ACE", "CH3 HH31 HH32 HH33 C O")
NME = ("NME", "N H CH3 HH31 HH32 HH33")

ALANINE_DIPEPTIDE = {
    "name": "alanine-dipeptide",
    "description": "ACE-ALA-NME, amber96, OBC1 with ACE surface term",
    "temperature": 300.0,
    "force_field": ["amber96.xml", "implicit/obc1.xml"],
    "residues": [
        ("ACE", "HH31 CH3 HH32 HH33 C O"),
        ("ALA", "N H CA HA CB HB1 HB2 HB3 C O"),
        ("NME", "N H CH3 HH31 HH32 HH33"),
    ],
    # The internal coordinates of the literature (bgmol, TA-BG): three root atoms; rows of atom, bond, angle, torsion
    # reference, and the torsion of the start structure in degrees (L-alanine, beta region).
    "root": [14, 8, 6],
    "rows": [
        (0, 1, 4, 6, 180), (1, 4, 6, 8, 180), (2, 1, 4, 0, 120), (3, 1, 4, 0, -120), (4, 6, 8, 14, -145),
        (5, 4, 6, 8, 0), (7, 6, 8, 4, 180), (11, 10, 8, 6, 60), (12, 10, 8, 11, 120), (13, 10, 8, 11, -120),
        (15, 14, 8, 16, 180), (16, 14, 8, 6, 150), (17, 16, 14, 15, 180), (18, 16, 14, 8, 180),
        (19, 18, 16, 14, 50), (20, 18, 16, 19, 120), (21, 18, 16, 19, -120), (9, 8, 6, 14, 120), (10, 8, 14, 6, 120),
    ],
    "phi": [[4, 6, 8, 14]],
    "psi": [[6, 8, 14, 16]],
}

# The force field of the literature on alanine peptides (bgmol, TA-BG): amber99_obc is OpenMM's GBSAOBCForce, that is
# OBC2 with radii by atom type and a solvent dielectric of 78.3.
AMBER99 = {"temperature": 300.0, "force_field": ["amber99sbildn.xml", "amber99_obc.xml"]}

DEFINITIONS = (
    ALANINE_DIPEPTIDE,
    {**ALANINE_DIPEPTIDE, **AMBER99, "name": "alanine-dipeptide-ff99",
     "description": "ACE-ALA-NME, amber99sbildn, OBC2 with ACE surface term"},
    {**AMBER99, "name": "alanine-tetrapeptide",
     "description": "ACE-(ALA)3-NME, amber99sbildn, OBC2 with ACE surface term", "residues": [ACE, ALA, ALA, ALA, NME]},
    {**AMBER99, "name": "alanine-hexapeptide",
     "description": "ACE-(ALA)5-NME, amber99sbildn, OBC2 with ACE surface term", "residues": [ACE] + 5 * [ALA] + [NME]},
    {**AMBER99, "name": "elil", "description": "GLU-LEU-ILE-LEU zwitterion, amber99sbildn, OBC2 with ACE surface term",
     "sequence": "GLU-LEU-ILE-LEU"},
    {**AMBER99, "name": "chignolin",
     "description": "GYDPETGTWG zwitterion, amber99sbildn, OBC2 with ACE surface term",
     "sequence": "GLY-TYR-ASP-PRO-GLU-THR-GLY-THR-TRP-GLY"},
    {"name": "alanine-tripeptide", "description": "(ALA)3 zwitterion, ff14SB, OBC1 with ACE surface term, cutoff 2 nm",
     "temperature": 310.0, "force_field": ["amber14/protein.ff14SB.xml", "implicit/obc1.xml"], "cutoff": 2.0,
     "residues": [("ALA", "N H1 H2 H3 CA HA C O CB HB1 HB2 HB3"), ("ALA", "N H CA HA C O CB HB1 HB2 HB3"),
                  ("ALA", "N H CA HA C O CB HB1 HB2 HB3 OXT")]},
)


# 1/(4 pi eps0), kJ/mol nm/e^2: GBSAOBCForce computes with this, the CustomGBForce with the number in its text.
COULOMB_CONSTANT = 138.93545764438198


class Templates:
    """Atoms (name, element) and bonds of a force field's residues."""

    def __init__(self, file):
        root = ElementTree.parse(Path(app.__file__).parent / "data" / file).getroot()
        elements = {t.get("name"): t.get("element") for t in root.find("AtomTypes")}
        self.atoms, self.bonds = {}, {}
        for residue in root.find("Residues"):
            atoms = [(a.get("name"), elements[a.get("type")]) for a in residue.findall("Atom")]
            self.atoms[residue.get("name")] = atoms
            self.bonds[residue.get("name")] = [
                (b.get("atomName1"), b.get("atomName2")) if b.get("atomName1")
                else (atoms[int(b.get("from"))][0], atoms[int(b.get("to"))][0]) for b in residue.findall("Bond")]


def peptide_topology(definition):
    """Atoms in the order of the definition where it has one, else of the templates; bonds of the templates."""
    templates = Templates(definition["force_field"][0])
    residues = definition.get("residues") or [(name, None) for name in definition["sequence"].split("-")]
    topology = app.Topology()
    chain = topology.addChain("A")
    carbon = None
    for n, (name, order) in enumerate(residues):
        end = "" if name in ("ACE", "NME") else "N" if n == 0 else "C" if n == len(residues) - 1 else ""
        elements = dict(templates.atoms[end + name])
        order = order.split() if order else list(elements)
        if sorted(order) != sorted(elements):
            raise SystemExit(f"{definition['name']}: residue {n + 1} is not the {end + name} of the force field")
        residue = topology.addResidue(name, chain)
        atoms = {atom: topology.addAtom(atom, app.Element.getBySymbol(elements[atom]), residue) for atom in order}
        for a, b in templates.bonds[end + name]:
            topology.addBond(atoms[a], atoms[b])
        if carbon is not None:
            topology.addBond(carbon, atoms["N"])
        carbon = atoms.get("C")
    return topology


def peptide_structure(definition, topology, program):
    """The start of the minimisation, [n_atoms, 3] nm: the committed file's, or a new one from the program."""
    if program is None:
        path = PROJECT / "data" / "systems" / f"{definition['name']}.json"
        if not path.exists():
            raise SystemExit(f"{path} is not there to take a structure from; name the program with --program")
        return np.array(json.loads(path.read_text())["positions"])
    sequence = definition.get("sequence") or "-".join(name for name, _ in definition["residues"])
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "system", "build", sequence, "--force-field", definition["force_field"][0],
                        "--solvent", "vacuum", "--keep-structure", "-o", f"{folder}/peptide"], check=True)
        built = json.loads(Path(folder, "peptide.json").read_text())
    place = {(atom[3], atom[0]): x for atom, x in zip(built["atoms"], built["positions"])}
    return np.array([place[atom.residue.index + 1, atom.name] for atom in topology.atoms()])


def backbone_torsions(topology):
    """phi and psi of every residue that has both neighbours."""
    atoms = [{atom.name: atom.index for atom in residue.atoms()} for residue in topology.residues()]
    phi, psi = [], []
    for before, residue, after in zip(atoms, atoms[1:], atoms[2:]):
        phi.append([before["C"], residue["N"], residue["CA"], residue["C"]])
        psi.append([residue["N"], residue["CA"], residue["C"], after["N"]])
    return phi, psi


def topology_of(definition):
    """Atoms by name, bonds from the Z-matrix (of a molecule without rings it holds each bond once)."""
    topology = app.Topology()
    chain = topology.addChain("A")
    for residue_name, names in definition["residues"]:
        residue = topology.addResidue(residue_name, chain)
        for name in names.split():
            topology.addAtom(name, app.Element.getBySymbol(name[0]), residue)
    atoms = list(topology.atoms())
    root = definition["root"]
    for i, j in [(root[1], root[0]), (root[2], root[1])] + [row[:2] for row in definition["rows"]]:
        topology.addBond(atoms[i], atoms[j])
    return topology


def start_structure(definition, system):
    """Places every atom from its Z-matrix row, [n_atoms, 3] nm."""
    bonds, angles = {}, {}
    for force in system.getForces():
        if isinstance(force, openmm.HarmonicBondForce):
            for i, j, length, _ in map(force.getBondParameters, range(force.getNumBonds())):
                bonds[frozenset((i, j))] = length.value_in_unit(unit.nanometer)
        if isinstance(force, openmm.HarmonicAngleForce):
            for i, j, k, angle, _ in map(force.getAngleParameters, range(force.getNumAngles())):
                angles[j, frozenset((i, k))] = angle.value_in_unit(unit.radian)
    a, b, c = definition["root"]
    d_ab, d_bc, angle = bonds[frozenset((a, b))], bonds[frozenset((b, c))], angles[b, frozenset((a, c))]
    placed = {a: np.zeros(3), b: np.array([d_ab, 0, 0])}
    placed[c] = placed[b] + d_bc * np.array([-math.cos(angle), math.sin(angle), 0])
    waiting = list(definition["rows"])
    while waiting:
        ready = [row for row in waiting if all(i in placed for i in row[1:4])]
        if not ready:
            raise SystemExit(f"{definition['name']}: the Z-matrix never places atoms {[row[0] for row in waiting]}")
        for row in ready:
            atom, i, j, k, torsion = row
            length, angle, torsion = bonds[frozenset((atom, i))], angles[i, frozenset((atom, j))], math.radians(torsion)
            along = placed[i] - placed[j]
            along /= np.linalg.norm(along)
            normal = np.cross(placed[j] - placed[k], along)
            normal /= np.linalg.norm(normal)
            placed[atom] = placed[i] + length * (-math.cos(angle) * along
                                                 + math.sin(angle) * math.cos(torsion) * np.cross(normal, along)
                                                 + math.sin(angle) * math.sin(torsion) * normal)
            waiting.remove(row)
    return np.array([placed[i] for i in range(len(placed))])


def minimised(system, positions):
    """The nearest minimum, [n_atoms, 3] nm, and its energy in kJ/mol, by L-BFGS in double precision."""
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions)
    openmm.LocalEnergyMinimizer.minimize(context, 1e-4)
    state = context.getState(getPositions=True, getEnergy=True)
    return (state.getPositions(asNumpy=True).value_in_unit(unit.nanometer),
            state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole))


def numbers(*quantities):
    return [q.value_in_unit_system(unit.md_unit_system) if unit.is_quantity(q) else q for q in quantities]


def parameters_of(system):
    """The parameter tables of a System, in the columns of docs/systems.md."""
    tables = {"constraints": [numbers(*system.getConstraintParameters(i)) for i in range(system.getNumConstraints())]}
    for force in system.getForces():
        if isinstance(force, openmm.HarmonicBondForce):
            tables["harmonic_bonds"] = [numbers(*force.getBondParameters(i)) for i in range(force.getNumBonds())]
        elif isinstance(force, openmm.HarmonicAngleForce):
            tables["harmonic_angles"] = [numbers(*force.getAngleParameters(i)) for i in range(force.getNumAngles())]
        elif isinstance(force, openmm.PeriodicTorsionForce):
            tables["periodic_torsions"] = [numbers(*force.getTorsionParameters(i)) for i in range(force.getNumTorsions())]
        elif isinstance(force, openmm.NonbondedForce):
            tables["nonbonded"] = [numbers(*force.getParticleParameters(i)) for i in range(force.getNumParticles())]
            tables["exceptions"] = [numbers(*force.getExceptionParameters(i)) for i in range(force.getNumExceptions())]
            if force.getNonbondedMethod() == openmm.NonbondedForce.CutoffNonPeriodic:
                tables["cutoff"] = dict(zip(("distance", "reaction_field_dielectric"),
                                            numbers(force.getCutoffDistance(), force.getReactionFieldDielectric())))
        elif isinstance(force, openmm.CustomGBForce):
            tables["generalized_born"] = {
                "model": "OBC1", "alpha": 0.8, "beta": 0.0, "gamma": 2.909125, "offset": 0.009,
                "particle_inside_term": False, "coulomb_constant": 138.935485, "solute_dielectric": 1.0,
                "solvent_dielectric": 78.5, "surface_coefficient": 28.3919551, "probe_radius": 0.14,
                "particles": [list(force.getParticleParameters(i)) for i in range(force.getNumParticles())]}
            if force.getNonbondedMethod() == openmm.CustomGBForce.CutoffNonPeriodic:
                tables["generalized_born"]["cutoff"] = numbers(force.getCutoffDistance())[0]
            # What stands in the table above must be what this version of OpenMM computes.
            written = " ".join(force.getComputedValueParameters(i)[1] for i in range(force.getNumComputedValues()))
            written += " ".join(force.getEnergyTermParameters(i)[0] for i in range(force.getNumEnergyTerms()))
            for piece in ("tanh(0.8*psi+2.909125*psi^3)", "offset=0.009", "138.935485*", "solventDielectric=78.5",
                          "soluteDielectric=1;", "28.3919551*(radius+0.14)^2*(radius/B)^6"):
                if piece not in written:
                    raise SystemExit(f"this OpenMM's CustomGBForce does not say {piece}: {written}")
        elif isinstance(force, openmm.GBSAOBCForce):
            tables["generalized_born"] = {
                "model": "OBC2", "alpha": 1.0, "beta": 0.8, "gamma": 4.85, "offset": 0.009, "particle_inside_term": True,
                "coulomb_constant": COULOMB_CONSTANT, **dict(zip(
                    ("solute_dielectric", "solvent_dielectric"),
                    numbers(force.getSoluteDielectric(), force.getSolventDielectric()))),
                "surface_coefficient": 4 * math.pi * numbers(force.getSurfaceAreaEnergy())[0], "probe_radius": 0.14,
                "particles": [[charge, radius - 0.009, scale * (radius - 0.009)] for charge, radius, scale in
                              (numbers(*force.getParticleParameters(i)) for i in range(force.getNumParticles()))]}
        elif not isinstance(force, openmm.CMMotionRemover):
            raise SystemExit(f"{force.getName()} has no place in a system file")
    order = ("constraints", "harmonic_bonds", "harmonic_angles", "periodic_torsions", "nonbonded", "exceptions",
             "cutoff", "generalized_born")
    return {key: tables[key] for key in order if key in tables}


def make(definition, program):
    peptide = "root" not in definition
    topology = peptide_topology(definition) if peptide else topology_of(definition)
    cutoff = definition.get("cutoff")
    system = app.ForceField(*definition["force_field"]).createSystem(
        topology, constraints=None, nonbondedMethod=app.CutoffNonPeriodic if cutoff else app.NoCutoff,
        nonbondedCutoff=(cutoff or 1) * unit.nanometer)
    start = peptide_structure(definition, topology, program) if peptide else start_structure(definition, system)
    positions, energy = minimised(system, start)
    print(f"{definition['name']}: {system.getNumParticles()} atoms, minimum {energy:.6f} kJ/mol")
    phi, psi = backbone_torsions(topology) if peptide else (definition["phi"], definition["psi"])
    z_matrix = {} if peptide else {
        "z_matrix": {"root": definition["root"], "rows": [row[:4] for row in definition["rows"]]}}
    return {
        "format": "boltzflow-system", "version": 1,
        **{key: definition[key] for key in ("name", "description", "temperature")},
        "atoms": [[atom.name, atom.element.symbol, atom.residue.name, atom.residue.index + 1, atom.residue.chain.id,
                   system.getParticleMass(atom.index).value_in_unit(unit.dalton)] for atom in topology.atoms()],
        "bonds": sorted(sorted((bond[0].index, bond[1].index)) for bond in topology.bonds()),
        **parameters_of(system),
        "positions": positions.tolist(),
        **z_matrix, "phi": phi, "psi": psi,
    }


def text_of(value, indent=""):
    """JSON with one table row a line, so that a change to a file reads well."""
    def flat(item):
        return not isinstance(item, dict) and not (isinstance(item, (list, tuple)) and
                                                   any(isinstance(i, (list, tuple, dict)) for i in item))
    if flat(value):
        return json.dumps(value, separators=(",", ":"))
    inner = indent + "  "
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f"{inner}{json.dumps(k)}: {text_of(v, inner)}" for k, v in value.items()) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + text_of(v, inner) for v in value) + f"\n{indent}]"


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--output", type=Path, default=PROJECT / "data" / "systems", help="folder of the files")
    arguments.add_argument("--program", type=Path, help="boltzflow, to begin with new structures")
    arguments = arguments.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for definition in DEFINITIONS:
        text = text_of(make(definition, arguments.program)) + "\n"
        (arguments.output / f"{definition['name']}.json").write_text(text)
