# SPDX-License-Identifier: MIT
# Finds OpenMM (the oracle of the tests and the peer of the benchmarks) and makes the imported target OpenMM::OpenMM.
# The PyPI wheel in the project's environment carries headers, libraries and plugins; OpenMM_ROOT names another one.
# OpenMM_PLUGIN_DIRECTORY is what Platform::loadPluginsFromDirectory wants.
file(GLOB _openmm_hints ${CMAKE_SOURCE_DIR}/.environment/lib/python3*/site-packages/OpenMM.libs)
find_path(OpenMM_INCLUDE_DIR OpenMM.h HINTS ${OpenMM_ROOT} ${_openmm_hints} PATH_SUFFIXES include)
find_library(OpenMM_LIBRARY OpenMM HINTS ${OpenMM_ROOT} ${_openmm_hints} PATH_SUFFIXES lib)
if(OpenMM_LIBRARY)
  get_filename_component(OpenMM_LIBRARY_DIR ${OpenMM_LIBRARY} DIRECTORY)
  find_path(OpenMM_PLUGIN_DIRECTORY libOpenMMCPU.so HINTS ${OpenMM_LIBRARY_DIR}/plugins ${OpenMM_LIBRARY_DIR}/openmm/plugins
            NO_DEFAULT_PATH)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenMM REQUIRED_VARS OpenMM_LIBRARY OpenMM_INCLUDE_DIR OpenMM_PLUGIN_DIRECTORY
  REASON_FAILURE_MESSAGE "run scripts/install-dependencies, or set OpenMM_ROOT")
if(OpenMM_FOUND AND NOT TARGET OpenMM::OpenMM)
  add_library(OpenMM::OpenMM UNKNOWN IMPORTED)
  set_target_properties(OpenMM::OpenMM PROPERTIES IMPORTED_LOCATION ${OpenMM_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${OpenMM_INCLUDE_DIR})
  target_compile_definitions(OpenMM::OpenMM INTERFACE OPENMM_PLUGIN_DIRECTORY="${OpenMM_PLUGIN_DIRECTORY}")
  target_link_options(OpenMM::OpenMM INTERFACE -Wl,-rpath,${OpenMM_LIBRARY_DIR})
endif()
mark_as_advanced(OpenMM_INCLUDE_DIR OpenMM_LIBRARY OpenMM_PLUGIN_DIRECTORY)
