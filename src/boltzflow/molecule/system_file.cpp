// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/system_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

using nlohmann::ordered_json;

constexpr const char* format_name = "boltzflow-system";

// --- writing ---------------------------------------------------------------------------------------------------------

ordered_json row_of(const Atom& a) { return {a.name, a.element, a.residue_name, a.residue_number, a.chain, a.mass}; }
ordered_json row_of(const std::array<int, 2>& b) { return {b[0], b[1]}; }
ordered_json row_of(const std::array<int, 4>& t) { return {t[0], t[1], t[2], t[3]}; }
ordered_json row_of(const std::array<double, 3>& x) { return {x[0], x[1], x[2]}; }
ordered_json row_of(const HarmonicBond& b) { return {b.i, b.j, b.length, b.force_constant}; }
ordered_json row_of(const HarmonicAngle& a) { return {a.i, a.j, a.k, a.angle, a.force_constant}; }
ordered_json row_of(const PeriodicTorsion& t) { return {t.i, t.j, t.k, t.l, t.periodicity, t.phase, t.force_constant}; }
ordered_json row_of(const NonbondedParticle& p) { return {p.charge, p.sigma, p.epsilon}; }
ordered_json row_of(const NonbondedException& e) { return {e.i, e.j, e.charge_product, e.sigma, e.epsilon}; }
ordered_json row_of(const GeneralizedBorn::Particle& p) { return {p.charge, p.offset_radius, p.scaled_radius}; }
ordered_json row_of(const GeneralizedBorn::Coefficients& c) { return {c.alpha, c.beta, c.gamma}; }
ordered_json row_of(const DistanceConstraint& c) { return {c.i, c.j, c.distance}; }
ordered_json row_of(const ZMatrixRow& r) { return {r.atom, r.bond, r.angle, r.torsion}; }

/// The members of one JSON object, a line each; the JSON library writes each row, and this the lines between them.
class ObjectText {
 public:
  explicit ObjectText(std::string indent) : indent_(std::move(indent)) {}

  void value(const char* key, const ordered_json& value) { member(key, value.dump()); }
  void text(const char* key, const std::string& text) { member(key, text); }

  template <class Rows>
  void table(const char* key, const Rows& rows) {
    if (rows.empty()) return member(key, "[]");
    std::string text = "[";
    const char* separator = "";
    for (const auto& row : rows) {
      text += fmt::format("{}\n{}    {}", separator, indent_, row_of(row).dump());
      separator = ",";
    }
    member(key, text + fmt::format("\n{}  ]", indent_));
  }

  std::string finish() const { return "{" + members_ + "\n" + indent_ + "}"; }

 private:
  void member(const char* key, const std::string& text) {
    members_ += fmt::format("{}\n{}  \"{}\": {}", members_.empty() ? "" : ",", indent_, key, text);
  }
  std::string indent_, members_;
};

std::string text_of(const GeneralizedBorn& born) {
  ObjectText text("  ");
  text.value("model", born.model);
  text.value("alpha", born.alpha);
  text.value("beta", born.beta);
  text.value("gamma", born.gamma);
  text.value("offset", born.offset);
  text.value("particle_inside_term", born.particle_inside_term);
  text.value("coulomb_constant", born.coulomb_constant);
  text.value("solute_dielectric", born.solute_dielectric);
  text.value("solvent_dielectric", born.solvent_dielectric);
  text.value("surface_coefficient", born.surface_coefficient);
  text.value("probe_radius", born.probe_radius);
  text.table("particles", born.particles);
  if (!born.coefficients.empty()) text.table("coefficients", born.coefficients);
  if (born.neck) {
    ObjectText neck("    ");
    neck.value("scale", born.neck->scale);
    neck.value("cutoff", born.neck->cutoff);
    neck.value("n_radii", born.neck->n_radii);
    neck.value("height", born.neck->height);
    neck.value("distance", born.neck->distance);
    neck.value("radius_index", born.neck->radius_index);
    text.text("neck", neck.finish());
  }
  if (born.cutoff) text.value("cutoff", *born.cutoff);
  return text.finish();
}

// --- reading ---------------------------------------------------------------------------------------------------------

long line_of(std::string_view text, std::size_t byte) {
  return 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(byte, text.size())), '\n');
}

/// One value of the document and where it stands, so that every error names its key.
class Value {
 public:
  Value(const ordered_json& json, std::string key, const std::string& origin)
      : json_(&json), key_(std::move(key)), origin_(&origin) {}

  [[noreturn]] void fail(const std::string& expected) const {
    std::string seen = json_->dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    if (seen.size() > 40) seen = seen.substr(0, 40) + "...";
    throw InputError(*origin_, fmt::format("{} is {}, but must be {}", key_, seen, expected));
  }

  void read(double& out) const {
    if (!json_->is_number()) fail("a number");
    out = json_->get<double>();
  }
  void read(int& out) const {
    if (!json_->is_number_integer()) fail("an integer");
    const bool too_large = json_->is_number_unsigned() &&
                           json_->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<int>::max());
    if (too_large || json_->get<std::int64_t>() < std::numeric_limits<int>::min()) fail("an integer of 32 bits");
    out = static_cast<int>(json_->get<std::int64_t>());
  }
  void read(bool& out) const {
    if (!json_->is_boolean()) fail("true or false");
    out = json_->get<bool>();
  }
  void read(std::string& out) const {
    if (!json_->is_string()) fail("a string");
    out = json_->get<std::string>();
  }

  /// A row: an array of exactly as many columns as there are arguments.
  template <class... Columns>
  void read_row(Columns&... columns) const {
    if (!json_->is_array() || json_->size() != sizeof...(Columns))
      fail(fmt::format("a row of {} columns (docs/systems.md)", sizeof...(Columns)));
    std::size_t column = 0;
    (item(column++).read(columns), ...);
  }

  Value item(std::size_t index) const { return {(*json_)[index], fmt::format("{}[{}]", key_, index), *origin_}; }

  std::size_t size() const {
    if (!json_->is_array()) fail("an array");
    return json_->size();
  }

  /// Checks that this is an object, and one that has no keys but these.
  void expect_keys(std::initializer_list<const char*> required, std::initializer_list<const char*> optional) const {
    if (!json_->is_object()) fail("an object");
    std::set<std::string_view> known(required.begin(), required.end());
    known.insert(optional.begin(), optional.end());
    for (const auto& [key, value] : json_->items())
      if (!known.contains(key)) throw InputError(*origin_, fmt::format("{}: unknown key (docs/systems.md)", name(key)));
    for (const char* key : required)
      if (!json_->contains(key)) throw InputError(*origin_, fmt::format("{}: this key is missing", name(key)));
  }
  bool has(const char* key) const { return json_->contains(key); }
  Value member(const char* key) const { return {json_->at(key), name(key), *origin_}; }

 private:
  std::string name(const std::string& key) const { return key_.empty() ? key : key_ + "." + key; }
  const ordered_json* json_;
  std::string key_;
  const std::string* origin_;
};

void read(const Value& v, Atom& a) { v.read_row(a.name, a.element, a.residue_name, a.residue_number, a.chain, a.mass); }
void read(const Value& v, std::array<int, 2>& b) { v.read_row(b[0], b[1]); }
void read(const Value& v, std::array<int, 3>& b) { v.read_row(b[0], b[1], b[2]); }
void read(const Value& v, std::array<int, 4>& t) { v.read_row(t[0], t[1], t[2], t[3]); }
void read(const Value& v, std::array<double, 3>& x) { v.read_row(x[0], x[1], x[2]); }
void read(const Value& v, HarmonicBond& b) { v.read_row(b.i, b.j, b.length, b.force_constant); }
void read(const Value& v, HarmonicAngle& a) { v.read_row(a.i, a.j, a.k, a.angle, a.force_constant); }
void read(const Value& v, PeriodicTorsion& t) {
  v.read_row(t.i, t.j, t.k, t.l, t.periodicity, t.phase, t.force_constant);
}
void read(const Value& v, NonbondedParticle& p) { v.read_row(p.charge, p.sigma, p.epsilon); }
void read(const Value& v, NonbondedException& e) { v.read_row(e.i, e.j, e.charge_product, e.sigma, e.epsilon); }
void read(const Value& v, GeneralizedBorn::Particle& p) { v.read_row(p.charge, p.offset_radius, p.scaled_radius); }
void read(const Value& v, GeneralizedBorn::Coefficients& c) { v.read_row(c.alpha, c.beta, c.gamma); }
void read(const Value& v, DistanceConstraint& c) { v.read_row(c.i, c.j, c.distance); }
void read(const Value& v, ZMatrixRow& r) { v.read_row(r.atom, r.bond, r.angle, r.torsion); }

void read(const Value& v, double& number) { v.read(number); }
void read(const Value& v, int& number) { v.read(number); }

template <class Row>
std::vector<Row> table(const Value& object, const char* key) {
  if (!object.has(key)) return {};
  const Value rows = object.member(key);
  std::vector<Row> out(rows.size());
  for (std::size_t i = 0; i < out.size(); ++i) read(rows.item(i), out[i]);
  return out;
}

GeneralizedBorn read_generalized_born(const Value& v) {
  v.expect_keys({"model", "alpha", "beta", "gamma", "offset", "particle_inside_term", "coulomb_constant",
                 "solute_dielectric", "solvent_dielectric", "surface_coefficient", "probe_radius", "particles"},
                {"coefficients", "neck", "cutoff"});
  GeneralizedBorn born{};
  v.member("model").read(born.model);
  v.member("alpha").read(born.alpha);
  v.member("beta").read(born.beta);
  v.member("gamma").read(born.gamma);
  v.member("offset").read(born.offset);
  v.member("particle_inside_term").read(born.particle_inside_term);
  v.member("coulomb_constant").read(born.coulomb_constant);
  v.member("solute_dielectric").read(born.solute_dielectric);
  v.member("solvent_dielectric").read(born.solvent_dielectric);
  v.member("surface_coefficient").read(born.surface_coefficient);
  v.member("probe_radius").read(born.probe_radius);
  born.particles = table<GeneralizedBorn::Particle>(v, "particles");
  born.coefficients = table<GeneralizedBorn::Coefficients>(v, "coefficients");
  if (v.has("neck")) {
    const Value neck = v.member("neck");
    neck.expect_keys({"scale", "cutoff", "n_radii", "height", "distance", "radius_index"}, {});
    born.neck.emplace();
    neck.member("scale").read(born.neck->scale);
    neck.member("cutoff").read(born.neck->cutoff);
    neck.member("n_radii").read(born.neck->n_radii);
    born.neck->height = table<double>(neck, "height");
    born.neck->distance = table<double>(neck, "distance");
    born.neck->radius_index = table<int>(neck, "radius_index");
  }
  if (v.has("cutoff")) v.member("cutoff").read(born.cutoff.emplace());
  return born;
}

}  // namespace

std::string to_json(const MolecularSystem& system) {
  validate(system, system.name.empty() ? "the system" : system.name);
  ObjectText text("");
  text.value("format", format_name);
  text.value("version", system_file_version);
  text.value("name", system.name);
  text.value("description", system.description);
  text.value("temperature", system.temperature);
  if (!system.analytic_target.empty()) text.value("analytic_target", system.analytic_target);
  if (!system.energy_library.empty()) text.value("energy_library", system.energy_library);
  text.table("atoms", system.atoms);
  text.table("bonds", system.bonds);
  text.table("constraints", system.constraints);
  text.table("harmonic_bonds", system.harmonic_bonds);
  text.table("harmonic_angles", system.harmonic_angles);
  text.table("periodic_torsions", system.periodic_torsions);
  text.table("nonbonded", system.nonbonded);
  text.table("exceptions", system.exceptions);
  if (system.cutoff) {
    ObjectText cutoff("  ");
    cutoff.value("distance", system.cutoff->distance);
    cutoff.value("reaction_field_dielectric", system.cutoff->reaction_field_dielectric);
    text.text("cutoff", cutoff.finish());
  }
  if (system.generalized_born) text.text("generalized_born", text_of(*system.generalized_born));
  std::vector<std::array<double, 3>> positions(system.positions.size() / 3);
  for (std::size_t i = 0; i < positions.size(); ++i)
    positions[i] = {system.positions[3 * i], system.positions[3 * i + 1], system.positions[3 * i + 2]};
  text.table("positions", positions);
  if (system.z_matrix) {
    ObjectText z_matrix("  ");
    z_matrix.value("root", system.z_matrix->root);
    z_matrix.table("rows", system.z_matrix->rows);
    text.text("z_matrix", z_matrix.finish());
  }
  text.table("phi", system.phi);
  text.table("psi", system.psi);
  return text.finish() + "\n";
}

MolecularSystem system_from_json(std::string_view text, const std::string& origin) {
  ordered_json document;
  try {
    document = ordered_json::parse(text);
  } catch (const ordered_json::parse_error& error) {
    throw InputError(origin, line_of(text, error.byte), "this is not valid JSON from here on");
  } catch (const ordered_json::exception&) {  // a number beyond the range of double
    throw InputError(origin, "a number in this file is out of range");
  }
  const Value root(document, "", origin);
  if (!document.is_object() || !root.has("format") || document["format"] != format_name)
    throw InputError(origin, "this is not a boltzflow system file (it has no \"format\": \"boltzflow-system\")");
  if (!root.has("version") || document["version"] != system_file_version)
    throw InputError(origin, fmt::format("this program reads version {} of the system file only", system_file_version));
  root.expect_keys(
      {"format", "version", "name", "atoms"},
      {"description", "temperature", "bonds", "constraints", "harmonic_bonds", "harmonic_angles", "periodic_torsions",
       "nonbonded", "exceptions", "cutoff", "generalized_born", "positions", "z_matrix", "phi", "psi", "analytic_target",
       "energy_library"});
  MolecularSystem system;
  root.member("name").read(system.name);
  if (root.has("description")) root.member("description").read(system.description);
  if (root.has("temperature")) root.member("temperature").read(system.temperature);
  if (root.has("analytic_target")) root.member("analytic_target").read(system.analytic_target);
  if (root.has("energy_library")) root.member("energy_library").read(system.energy_library);
  system.atoms = table<Atom>(root, "atoms");
  system.bonds = table<std::array<int, 2>>(root, "bonds");
  system.constraints = table<DistanceConstraint>(root, "constraints");
  system.harmonic_bonds = table<HarmonicBond>(root, "harmonic_bonds");
  system.harmonic_angles = table<HarmonicAngle>(root, "harmonic_angles");
  system.periodic_torsions = table<PeriodicTorsion>(root, "periodic_torsions");
  system.nonbonded = table<NonbondedParticle>(root, "nonbonded");
  system.exceptions = table<NonbondedException>(root, "exceptions");
  if (root.has("cutoff")) {
    const Value cutoff = root.member("cutoff");
    cutoff.expect_keys({"distance"}, {"reaction_field_dielectric"});
    system.cutoff.emplace();
    cutoff.member("distance").read(system.cutoff->distance);
    if (cutoff.has("reaction_field_dielectric"))
      cutoff.member("reaction_field_dielectric").read(system.cutoff->reaction_field_dielectric);
  }
  if (root.has("generalized_born")) system.generalized_born = read_generalized_born(root.member("generalized_born"));
  for (const auto& x : table<std::array<double, 3>>(root, "positions"))
    system.positions.insert(system.positions.end(), x.begin(), x.end());
  if (root.has("z_matrix")) {
    const Value z_matrix = root.member("z_matrix");
    z_matrix.expect_keys({"root", "rows"}, {});
    system.z_matrix.emplace();
    read(z_matrix.member("root"), system.z_matrix->root);
    system.z_matrix->rows = table<ZMatrixRow>(z_matrix, "rows");
  }
  system.phi = table<std::array<int, 4>>(root, "phi");
  system.psi = table<std::array<int, 4>>(root, "psi");
  validate(system, origin);
  return system;
}

MolecularSystem read_system_file(const std::filesystem::path& path) {
  return system_from_json(read_file(path), path.string());
}

void write_system_file(const std::filesystem::path& path, const MolecularSystem& system) {
  write_file_atomically(path, to_json(system));
}

}  // namespace boltzflow
