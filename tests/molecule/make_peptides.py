#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes peptides as OpenMM's own Python layer makes them from its force fields: `make_peptides.py FOLDER`.

FOLDER/list.txt has a line for each: sequence, disulphides (2-5,3-8, or "none"), force field, solvent, constraints, cutoff
(nm; 0: none), and the name of the System XML beside it. The topology is made from the templates of the force field, the rest is OpenMM's.
"""
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import openmm
from openmm import app, unit
from peptide_chain import peptide_chain

AMINO_ACIDS = ("ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL").split()
FORCE_FIELDS = ("amber96", "amber99sbildn", "amber14/protein.ff14SB")
SOLVENTS = {"vacuum": [], "hct": ["implicit/hct.xml"], "obc1": ["implicit/obc1.xml"], "obc2": ["implicit/obc2.xml"],
            "gbn": ["implicit/gbn.xml"], "gbn2": ["implicit/gbn2.xml"], "amber99_obc": ["amber99_obc.xml"]}
DATA = Path(app.__file__).parent / "data"


def templates_of(force_field):
    """Atoms and bonds of every residue, as the XML says."""
    root = ElementTree.parse(DATA / f"{force_field}.xml").getroot()
    elements = {t.get("name"): app.Element.getBySymbol(t.get("element")) for t in root.find("AtomTypes")}
    templates = {}
    for residue in root.find("Residues"):
        atoms = [(a.get("name"), elements[a.get("type")]) for a in residue.findall("Atom")]
        names = [name for name, _ in atoms]
        bonds = [(names.index(b.get("atomName1")), names.index(b.get("atomName2"))) if b.get("atomName1")
                 else (int(b.get("from")), int(b.get("to"))) for b in residue.findall("Bond")]
        templates[residue.get("name")] = atoms, bonds
    return templates


def topology_of(sequence, templates, disulphides="none"):
    names = sequence.split("-")
    residues = []
    for n, name in enumerate(names):
        template = "HIE" if name == "HIS" else name
        if name not in ("ACE", "NME"):
            template = ("N" if n == 0 else "C" if n == len(names) - 1 else "") + template
        residues.append((name, *templates[template]))
    topology = peptide_chain(residues)
    sulphur = {atom.residue.index + 1: atom for atom in topology.atoms() if atom.name == "SG"}
    for pair in disulphides.split(",") if disulphides != "none" else ():
        topology.addBond(*(sulphur[int(number)] for number in pair.split("-")))
    return topology


def cases():
    """Every amino acid between caps and as both ends with every force field, and all of them in one chain; solvents,
    constraints and cutoffs take turns, so that each meets many residues."""
    turns = {"amber96": ("obc1", "amber99_obc"), "amber99sbildn": ("amber99_obc", "gbn2"),
             "amber14/protein.ff14SB": ("gbn", "hct")}
    for force_field in FORCE_FIELDS:
        capped, ends = turns[force_field]
        for n, residue in enumerate(AMINO_ACIDS):
            yield f"ACE-{residue}-NME", "none", force_field, capped, "none", 0
            yield f"{residue}-{residue}", "none", force_field, ends, "h-bonds" if n % 4 == 0 else "none", 0
        yield "ACE-" + "-".join(AMINO_ACIDS) + "-NME", "none", force_field, "obc2", "none", 0
        yield "-".join(reversed(AMINO_ACIDS)), "none", force_field, "vacuum", "h-bonds", 0
        yield "ACE-CYX-GLY-GLY-CYX-NME", "2-5", force_field, capped, "none", 0
        yield "CYX-CYX-ALA-CYX-PRO-CYX", "1-4,2-6", force_field, ends, "h-bonds", 0
    # What the literature computes with.
    yield "ALA-ALA-ALA", "none", "amber14/protein.ff14SB", "obc1", "none", 2.0
    yield "ACE-ALA-NME", "none", "amber99sbildn", "amber99_obc", "none", 0
    yield "ACE-ALA-ALA-ALA-NME", "none", "amber99sbildn", "amber99_obc", "h-bonds", 0
    yield "ACE-ALA-ALA-ALA-ALA-ALA-NME", "none", "amber99sbildn", "amber99_obc", "none", 0
    yield "GLU-LEU-ILE-LEU", "none", "amber99sbildn", "amber99_obc", "none", 0
    yield "GLY-TYR-ASP-PRO-GLU-THR-GLY-THR-TRP-GLY", "none", "amber99sbildn", "amber99_obc", "none", 0


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    templates = {name: templates_of(name) for name in FORCE_FIELDS}
    loaded = {}
    lines = []
    for n, (sequence, disulphides, name, solvent, constraints, cutoff) in enumerate(cases()):
        key = name, solvent
        if key not in loaded:
            loaded[key] = app.ForceField(f"{name}.xml", *SOLVENTS[solvent])
        system = loaded[key].createSystem(
            topology_of(sequence, templates[name], disulphides), constraints=app.HBonds if constraints == "h-bonds" else None,
            nonbondedMethod=app.CutoffNonPeriodic if cutoff else app.NoCutoff,
            nonbondedCutoff=(cutoff or 1) * unit.nanometer)
        (folder / f"{n}.xml").write_text(openmm.XmlSerializer.serialize(system))
        lines.append(f"{sequence} {disulphides} {name} {solvent} {constraints} {cutoff} {n}.xml\n")
    (folder / "list.txt").write_text("".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
