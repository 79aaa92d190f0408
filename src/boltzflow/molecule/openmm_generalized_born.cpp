// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/openmm_generalized_born.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "boltzflow/base/units.hpp"
#include "boltzflow/molecule/generalized_born_models.hpp"

namespace boltzflow {
namespace {

// The expressions, with blanks removed, up to their definitions.
constexpr std::string_view sphere_integral =
    "select(step(r+sr2-or1),0.5*(1/L-1/U+0.25*(r-sr2^2/r)*(1/(U^2)-1/(L^2))+0.5*log(L/U)/r),0)";
constexpr std::string_view neck_integral =
    "step(radius1+radius2+neckCut-r)*getm0(radindex1,radindex2)/(1+100*(r-getd0(radindex1,radindex2))^2+"
    "0.3*1000000*(r-getd0(radindex1,radindex2))^6)";
struct BornRadiusExpression {
  std::string_view formula, model;
};
constexpr BornRadiusExpression born_radius_expressions[] = {
    {"1/(1/or-I)", "HCT"},
    {"1/(1/or-tanh(0.8*psi+2.909125*psi^3)/radius)", "OBC1"},
    {"1/(1/or-tanh(psi-0.8*psi^2+4.85*psi^3)/radius)", "OBC2"},
    {"1/(1/or-tanh(1.09511284*psi-1.907992938*psi^2+2.50798245*psi^3)/radius)", "GBn"},
    {"1/(1/or-tanh(alpha*psi-beta*psi^2+gamma*psi^3)/radius)", "GBn2"},
};
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
  CustomGB(const XmlSource& xml, const pugi::xml_node& force, std::optional<double> cutoff)
      : xml_(xml), force_(force), cutoff_(cutoff) {}

  GeneralizedBorn read() {
    if (force_.child("GlobalParameters").first_child()) unknown(force_, "global parameters");
    if (force_.child("EnergyParameterDerivatives").first_child()) unknown(force_, "energy parameter derivatives");
    computed_values();
    energy_terms();
    particles();
    if (born_.neck)
      neck_tables();
    else if (force_.child("Functions").first_child())
      unknown(force_, "tabulated functions");
    return born_;
  }

 private:
  [[noreturn]] void unknown(const pugi::xml_node& node, const std::string& what) const {
    xml_.fail(node,
              fmt::format("this CustomGBForce is none of HCT, OBC1, OBC2, GBn and GBn2 as OpenMM writes them ({}); "
                          "supported are these without salt, with the ACE surface term or none",
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
    if (std::abs(take(node, expression, "offset", born_.offset) - born_.offset) > 1e-12) unknown(node, "offset");
  }
  void expect_nothing_else(const pugi::xml_node& node, const Expression& expression) const {
    if (!expression.definitions.empty()) unknown(node, expression.definitions.begin()->first);
  }
  static Expression expression_of(const pugi::xml_node& node) {
    return split(without_blanks(node.attribute("expression").value()));
  }

  /// The value named I (of pairs) and then B (of atoms), which says what the model is.
  void computed_values() {
    pugi::xml_node values[2];
    int n_values = 0;
    for (const auto& value : force_.child("ComputedValues").children()) {
      if (n_values == 2) unknown(value, "more than two computed values");
      values[n_values++] = value;
    }
    if (n_values != 2) unknown(force_, "computed values");
    const auto& [integral_node, radius_node] = values;
    Expression radius = expression_of(radius_node);
    if (std::string_view(radius_node.attribute("name").value()) != "B" || xml_.integer(radius_node, "type") != 0)
      unknown(radius_node, "computed value " + radius.formula);
    const auto* const known =
        std::ranges::find(born_radius_expressions, std::string_view(radius.formula), &BornRadiusExpression::formula);
    if (known == std::end(born_radius_expressions)) unknown(radius_node, "Born radius " + radius.formula);
    born_ = generalized_born_model(known->model);
    born_.surface_coefficient = 0;
    if (known->model != "HCT") {
      expect(radius_node, radius, "psi", "I*or");
      expect(radius_node, radius, "radius", "or+offset");
    }
    expect_offset(radius_node, radius);
    expect_nothing_else(radius_node, radius);

    Expression integral = expression_of(integral_node);
    if (std::string_view(integral_node.attribute("name").value()) != "I" || xml_.integer(integral_node, "type") != 2)
      unknown(integral_node, "computed value " + integral.formula);
    if (known->model == "GBn" || known->model == "GBn2") {
      if (integral.formula != "Ivdw+neckScale*Ineck") unknown(integral_node, "integral " + integral.formula);
      expect(integral_node, integral, "Ivdw", sphere_integral);
      expect(integral_node, integral, "Ineck", neck_integral);
      expect(integral_node, integral, "radius1", "or1+offset");
      expect(integral_node, integral, "radius2", "or2+offset");
      born_.neck.emplace();
      born_.neck->scale = take(integral_node, integral, "neckScale", std::nan(""));
      born_.neck->cutoff = take(integral_node, integral, "neckCut", std::nan(""));
      if (!std::isfinite(born_.neck->scale + born_.neck->cutoff)) unknown(integral_node, "no neckScale or neckCut");
      expect_offset(integral_node, integral);
    } else if (integral.formula != sphere_integral) {
      unknown(integral_node, "integral " + integral.formula);
    }
    expect(integral_node, integral, "U", "r+sr2");
    expect(integral_node, integral, "L", "max(or1,D)");
    expect(integral_node, integral, "D", "abs(r-sr2)");
    expect_nothing_else(integral_node, integral);
  }

  /// "1/f" without a cutoff, else "(1/f-NUMBER)" with the inverse of the force's cutoff.
  void expect_pair_factor(const pugi::xml_node& node, std::string_view text) const {
    if (!cutoff_) {
      if (text != "/f") unknown(node, "pair energy " + std::string(text));
      return;
    }
    constexpr std::string_view begin = "*(1/f-";
    if (!text.starts_with(begin) || !text.ends_with(")"))
      unknown(node, "pair energy " + std::string(text) + " with a cutoff");
    const double shift = constant(node, std::string(text.substr(begin.size(), text.size() - begin.size() - 1)));
    if (std::abs(shift * *cutoff_ - 1) > 1e-9) unknown(node, "a shift that is not the inverse of the cutoff");
  }

  void energy_terms() {
    bool has_self = false, has_pair = false, has_surface = false;
    for (const auto& term : force_.child("EnergyTerms").children()) {
      Expression expression = expression_of(term);
      const int type = xml_.integer(term, "type");
      expect_offset(term, expression);
      take(term, expression, "cutoff", 0);  // the constant itself stands in the formula
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
        } else if (constexpr std::string_view charges = "charge1*charge2";
                   type == 2 && rest.starts_with(charges) && formula.starts_with("-") && !has_pair) {
          coulomb = constant(term, formula.substr(1, factor - 1));
          expect_pair_factor(term, rest.substr(charges.size()));
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
      expect_nothing_else(term, expression);
    }
    if (!has_self || !has_pair) unknown(force_, "the self or the pair energy is missing");
  }

  void particles() {
    std::map<std::string_view, std::string> attributes;
    for (const char* name : {"charge", "or", "sr"}) attributes[name];
    if (born_.model == "GBn2")
      for (const char* name : {"alpha", "beta", "gamma"}) attributes[name];
    if (born_.neck) attributes["radindex"];
    std::size_t n_parameters = 0;
    for (const auto& parameter : force_.child("PerParticleParameters").children()) {
      const auto found = attributes.find(parameter.attribute("name").value());
      if (found == attributes.end()) unknown(parameter, "per-particle parameters");
      found->second = "param" + std::to_string(++n_parameters);
    }
    if (n_parameters != attributes.size() ||
        std::ranges::any_of(attributes, [](const auto& entry) { return entry.second.empty(); }))
      unknown(force_, "per-particle parameters");
    for (const auto& particle : force_.child("Particles").children()) {
      const auto value = [&](std::string_view name) { return xml_.real(particle, attributes.at(name).c_str()); };
      born_.particles.push_back({value("charge"), value("or"), value("sr")});
      if (born_.model == "GBn2") born_.coefficients.push_back({value("alpha"), value("beta"), value("gamma")});
      if (!born_.neck) continue;
      const double index = value("radindex");
      if (index != std::floor(index) || index < 0 || index > 1e6) unknown(particle, "radius index");
      born_.neck->radius_index.push_back(static_cast<int>(index));
    }
  }

  /// OpenMM's table of f(x, y) has x as the faster index; ours has it as the row.
  void neck_tables() {
    BornNeck& neck = *born_.neck;
    int n_functions = 0;
    for (const auto& function : force_.child("Functions").children()) {
      const std::string_view name = function.attribute("name").value();
      const int n = xml_.integer(function, "xsize");
      std::vector<double>* const table = name == "getm0" ? &neck.height : name == "getd0" ? &neck.distance : nullptr;
      if (table == nullptr || !table->empty() || xml_.integer(function, "ysize") != n ||
          std::string_view(function.attribute("type").value()) != "Discrete2DFunction" ||
          (n_functions > 0 && n != neck.n_radii))
        unknown(function, "tabulated functions");
      std::vector<double> values;
      for (const auto& value : function.child("Values").children()) values.push_back(xml_.real(value, "v"));
      if (n < 1 || values.size() != static_cast<std::size_t>(n) * static_cast<std::size_t>(n))
        unknown(function, "tabulated functions");
      table->resize(values.size());
      for (std::size_t x = 0, size = static_cast<std::size_t>(n); x < size; ++x)
        for (std::size_t y = 0; y < size; ++y) (*table)[x * size + y] = values[x + size * y];
      neck.n_radii = n;
      ++n_functions;
    }
    if (n_functions != 2) unknown(force_, "tabulated functions");
  }

  const XmlSource& xml_;
  const pugi::xml_node& force_;
  const std::optional<double> cutoff_;
  GeneralizedBorn born_{};
};

}  // namespace

GeneralizedBorn read_gbsa_obc_force(const XmlSource& xml, const pugi::xml_node& force, std::optional<double> cutoff) {
  GeneralizedBorn born = generalized_born_model("OBC2");
  born.particle_inside_term = true;
  born.coulomb_constant = coulomb_constant;
  born.solute_dielectric = xml.real(force, "soluteDielectric");
  born.solvent_dielectric = xml.real(force, "solventDielectric");
  // Version 1 of the serialisation has no such attribute; the force then has its default.
  born.surface_coefficient =
      4 * pi * (force.attribute("surfaceAreaEnergy") ? xml.real(force, "surfaceAreaEnergy") : 2.25936);
  for (const auto& particle : force.child("Particles").children()) {
    const double offset_radius = xml.real(particle, "r") - born.offset;
    born.particles.push_back({xml.real(particle, "q"), offset_radius, xml.real(particle, "scale") * offset_radius});
  }
  born.cutoff = cutoff;
  return born;
}

GeneralizedBorn read_custom_gb_force(const XmlSource& xml, const pugi::xml_node& force, std::optional<double> cutoff) {
  GeneralizedBorn born = CustomGB(xml, force, cutoff).read();
  born.cutoff = cutoff;
  return born;
}

}  // namespace boltzflow
