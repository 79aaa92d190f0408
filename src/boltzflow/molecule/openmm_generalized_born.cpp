// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/openmm_generalized_born.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

constexpr double obc_offset = 0.009;  // nm

void set_obc1(GeneralizedBorn& born) { born.model = "OBC1", born.alpha = 0.8, born.beta = 0, born.gamma = 2.909125; }
void set_obc2(GeneralizedBorn& born) { born.model = "OBC2", born.alpha = 1, born.beta = 0.8, born.gamma = 4.85; }

// The expressions, with blanks removed, up to their definitions.
constexpr std::string_view descreening_integral =
    "select(step(r+sr2-or1),0.5*(1/L-1/U+0.25*(r-sr2^2/r)*(1/(U^2)-1/(L^2))+0.5*log(L/U)/r),0);"
    "U=r+sr2;L=max(or1,D);D=abs(r-sr2)";
constexpr std::string_view born_radius_obc1 = "1/(1/or-tanh(0.8*psi+2.909125*psi^3)/radius)";
constexpr std::string_view born_radius_obc2 = "1/(1/or-tanh(psi-0.8*psi^2+4.85*psi^3)/radius)";
constexpr std::string_view dielectric_factor = "*(1/soluteDielectric-1/solventDielectric)*";

std::string without_blanks(std::string_view text) {
  std::string out;
  for (char c : text)
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') out += c;
  return out;
}

/// One expression: what is computed, and the definitions behind it ("name=value;...").
struct Expression {
  std::string formula;
  std::map<std::string, std::string> definitions;
};

Expression split(const std::string& text) {
  Expression out;
  std::size_t begin = 0;
  for (bool first = true; begin <= text.size(); first = false) {
    const std::size_t end = std::min(text.find(';', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    const std::size_t equals = part.find('=');
    if (first)
      out.formula = part;
    else if (equals != std::string::npos)
      out.definitions[part.substr(0, equals)] = part.substr(equals + 1);
    else if (!part.empty())
      out.definitions[part] = "";
    begin = end + 1;
  }
  return out;
}

class CustomGB {
 public:
  CustomGB(const XmlSource& xml, const pugi::xml_node& force) : xml_(xml), force_(force) {}

  GeneralizedBorn read() {
    if (force_.child("GlobalParameters").first_child()) unknown(force_, "global parameters");
    if (force_.child("Functions").first_child()) unknown(force_, "tabulated functions");
    if (force_.child("EnergyParameterDerivatives").first_child()) unknown(force_, "energy parameter derivatives");
    born_.particle_inside_term = false;
    computed_values();
    energy_terms();
    particles();
    return born_;
  }

 private:
  [[noreturn]] void unknown(const pugi::xml_node& node, const std::string& what) const {
    xml_.fail(node, fmt::format("this CustomGBForce is not OBC1 or OBC2 as OpenMM writes them ({}); supported are OBC1 "
                                "and OBC2 without salt, with the ACE surface term or none",
                                what.size() > 100 ? what.substr(0, 100) + "..." : what));
  }

  double constant(const pugi::xml_node& node, const std::string& text) const {
    const auto value = number_in<double>(text);
    if (!value) unknown(node, "\"" + text + "\" where a number is expected");
    return *value;
  }

  /// Removes the definition `name` and returns its value, or `otherwise` where it is not there.
  double take(const pugi::xml_node& node, Expression& expression, const char* name, double otherwise) const {
    const auto found = expression.definitions.find(name);
    if (found == expression.definitions.end()) return otherwise;
    const double value = constant(node, found->second);
    expression.definitions.erase(found);
    return value;
  }
  void expect(const pugi::xml_node& node, Expression& expression, const char* name, std::string_view value) const {
    const auto found = expression.definitions.find(name);
    if (found == expression.definitions.end() || found->second != value)
      unknown(node, std::string("definition of ") + name);
    expression.definitions.erase(found);
  }
  void expect_offset(const pugi::xml_node& node, Expression& expression) const {
    if (std::abs(take(node, expression, "offset", obc_offset) - obc_offset) > 1e-12) unknown(node, "offset");
  }

  void computed_values() {
    int n_values = 0;
    for (const auto& value : force_.child("ComputedValues").children()) {
      const std::string text = without_blanks(value.attribute("expression").value());
      const std::string_view name = value.attribute("name").value();
      ++n_values;
      if (n_values == 1 && name == "I" && xml_.integer(value, "type") == 2 && text == descreening_integral) continue;
      Expression born_radius = split(text);
      if (n_values != 2 || name != "B" || xml_.integer(value, "type") != 0) unknown(value, "computed value " + text);
      if (born_radius.formula == born_radius_obc1)
        set_obc1(born_);
      else if (born_radius.formula == born_radius_obc2)
        set_obc2(born_);
      else
        unknown(value, "Born radius " + born_radius.formula);
      expect(value, born_radius, "psi", "I*or");
      expect(value, born_radius, "radius", "or+offset");
      expect_offset(value, born_radius);
      born_.offset = obc_offset;
      if (!born_radius.definitions.empty()) unknown(value, born_radius.definitions.begin()->first);
    }
    if (n_values != 2) unknown(force_, "computed values");
  }

  void energy_terms() {
    bool has_self = false, has_pair = false, has_surface = false;
    for (const auto& term : force_.child("EnergyTerms").children()) {
      Expression expression = split(without_blanks(term.attribute("expression").value()));
      const int type = xml_.integer(term, "type");
      expect_offset(term, expression);
      if (take(term, expression, "kappa", 0) != 0) unknown(term, "salt: kappa is not 0");
      const double solute = take(term, expression, "soluteDielectric", born_.solute_dielectric);
      const double solvent = take(term, expression, "solventDielectric", born_.solvent_dielectric);
      const std::string& formula = expression.formula;
      const std::size_t factor = formula.find(dielectric_factor);
      if (factor != std::string::npos) {
        const std::string_view rest = std::string_view(formula).substr(factor + dielectric_factor.size());
        double coulomb = 0;
        if (type == 0 && rest == "charge^2/B" && formula.starts_with("-0.5*") && factor > 5 && !has_self) {
          coulomb = constant(term, formula.substr(5, factor - 5));
          has_self = true;
        } else if (type == 2 && rest == "charge1*charge2/f" && formula.starts_with("-") && !has_pair) {
          coulomb = constant(term, formula.substr(1, factor - 1));
          expect(term, expression, "f", "sqrt(r^2+B1*B2*exp(-r^2/(4*B1*B2)))");
          has_pair = true;
        } else {
          unknown(term, "energy term " + formula);
        }
        if (has_self && has_pair &&
            (coulomb != born_.coulomb_constant || solute != born_.solute_dielectric ||
             solvent != born_.solvent_dielectric))
          unknown(term, "different constants in the self and the pair energy");
        born_.coulomb_constant = coulomb;
        born_.solute_dielectric = solute;
        born_.solvent_dielectric = solvent;
      } else {
        constexpr std::string_view middle = "*(radius+", end = ")^2*(radius/B)^6";
        const std::size_t at = formula.find(middle);
        if (type != 0 || has_surface || at == std::string::npos || !formula.ends_with(end) ||
            at + middle.size() + end.size() > formula.size())
          unknown(term, "energy term " + formula);
        born_.surface_coefficient = constant(term, formula.substr(0, at));
        const std::size_t probe = at + middle.size();
        born_.probe_radius = constant(term, formula.substr(probe, formula.size() - end.size() - probe));
        expect(term, expression, "radius", "or+offset");
        has_surface = true;
      }
      if (!expression.definitions.empty()) unknown(term, expression.definitions.begin()->first);
    }
    if (!has_self || !has_pair) unknown(force_, "the self or the pair energy is missing");
  }

  void particles() {
    std::string charge, offset_radius, scaled_radius;
    int n_parameters = 0;
    for (const auto& parameter : force_.child("PerParticleParameters").children()) {
      const std::string attribute = "param" + std::to_string(++n_parameters);
      const std::string_view name = parameter.attribute("name").value();
      if (name == "charge") charge = attribute;
      if (name == "or") offset_radius = attribute;
      if (name == "sr") scaled_radius = attribute;
    }
    if (n_parameters != 3 || charge.empty() || offset_radius.empty() || scaled_radius.empty())
      unknown(force_, "per-particle parameters");
    for (const auto& particle : force_.child("Particles").children())
      born_.particles.push_back({xml_.real(particle, charge.c_str()), xml_.real(particle, offset_radius.c_str()),
                                 xml_.real(particle, scaled_radius.c_str())});
  }

  const XmlSource& xml_;
  const pugi::xml_node& force_;
  GeneralizedBorn born_{};
};

}  // namespace

GeneralizedBorn read_gbsa_obc_force(const XmlSource& xml, const pugi::xml_node& force) {
  GeneralizedBorn born{};
  set_obc2(born);
  born.offset = obc_offset;
  born.particle_inside_term = true;
  born.coulomb_constant = coulomb_constant;
  born.solute_dielectric = xml.real(force, "soluteDielectric");
  born.solvent_dielectric = xml.real(force, "solventDielectric");
  // Version 1 of the serialisation has no such attribute; the force then has its default.
  born.surface_coefficient =
      4 * pi * (force.attribute("surfaceAreaEnergy") ? xml.real(force, "surfaceAreaEnergy") : 2.25936);
  for (const auto& particle : force.child("Particles").children()) {
    const double offset_radius = xml.real(particle, "r") - obc_offset;
    born.particles.push_back({xml.real(particle, "q"), offset_radius, xml.real(particle, "scale") * offset_radius});
  }
  return born;
}

GeneralizedBorn read_custom_gb_force(const XmlSource& xml, const pugi::xml_node& force) {
  return CustomGB(xml, force).read();
}

}  // namespace boltzflow
