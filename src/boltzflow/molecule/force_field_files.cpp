// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/force_field_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

namespace fs = std::filesystem;

/// Collects folders that exist, each once.
class Folders {
 public:
  void add(const fs::path& folder) {
    std::error_code ignored;
    if (folder.empty() || !fs::is_directory(folder, ignored)) return;
    if (std::find(list_.begin(), list_.end(), folder) == list_.end()) list_.push_back(folder);
  }

  /// The OpenMM of a Python installation, PREFIX/lib/python3.*/{site,dist}-packages.
  void add_python(const fs::path& prefix) {
    std::error_code ignored;
    if (prefix.empty()) return;
    for (const char* library : {"lib", "lib64"})
      for (fs::directory_iterator entry(prefix / library, ignored), end; !ignored && entry != end;
           entry.increment(ignored)) {
        if (entry->path().filename().string().rfind("python3", 0) != 0) continue;
        for (const char* packages : {"site-packages", "dist-packages"})
          for (const char* package : {"openmm", "simtk/openmm"}) add(entry->path() / packages / package / "app/data");
      }
  }

  std::vector<fs::path> take() { return std::move(list_); }

 private:
  std::vector<fs::path> list_;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::vector<std::string> colon_separated(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string item; std::getline(stream, item, ':');)
    if (!item.empty()) out.push_back(item);
  return out;
}

}  // namespace

std::vector<fs::path> force_field_folders(const std::vector<fs::path>& given) {
  Folders folders;
  for (const auto& folder : given) folders.add(folder);
  for (const auto& folder : colon_separated(environment("BOLTZFLOW_FORCE_FIELD_PATH"))) folders.add(folder);
  std::error_code ignored;
  for (fs::path above = fs::current_path(ignored); !above.empty(); above = above.parent_path()) {
    folders.add_python(above / ".environment");
    if (above == above.parent_path()) break;
  }
  folders.add_python(environment("VIRTUAL_ENV"));
  folders.add_python(environment("CONDA_PREFIX"));
  for (const auto& folder : colon_separated(environment("PATH")))
    if (fs::exists(fs::path(folder) / "python3", ignored)) {
      // A link leads to the installation that owns the program; a virtual environment is where the link lies.
      folders.add_python(fs::path(folder).parent_path());
      folders.add_python(fs::canonical(fs::path(folder) / "python3", ignored).parent_path().parent_path());
    }
  folders.add_python(fs::path(environment("HOME")) / ".local");
  folders.add_python("/usr/local");
  folders.add_python("/usr");
  folders.add("/usr/share/openmm/app/data");
  folders.add("/usr/share/openmm");
  return folders.take();
}

fs::path find_force_field_file(const std::string& name, const std::vector<fs::path>& folders) {
  std::error_code ignored;
  const std::string wanted = name == "ff14SB" || name == "amber14" ? "amber14/protein.ff14SB" : name;
  for (const std::string& file : {wanted, wanted + ".xml"}) {
    if (fs::is_regular_file(file, ignored)) return file;
    for (const auto& folder : folders)
      if (fs::is_regular_file(folder / file, ignored)) return folder / file;
  }
  std::string searched;
  for (const auto& folder : folders) searched += (searched.empty() ? "" : ", ") + folder.string();
  throw MissingInputError(
      folders.empty()
          ? fmt::format("{}: no OpenMM was found to take this force field from; install one (pip install openmm) or "
                        "name the folder of its XML files with --force-field-path",
                        name)
          : fmt::format("{}: no such force field (looked for {}.xml in {}); try amber96, amber99sbildn or "
                        "amber14/protein.ff14SB, or name a folder with --force-field-path",
                        name, wanted, searched));
}

}  // namespace boltzflow
