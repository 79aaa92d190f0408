# SPDX-License-Identifier: MIT
# Finds the library of chemfiles, which reads and writes XTC trajectories, and makes the imported target chemfiles::chemfiles.
# The PyPI wheel in the project's environment carries the library without its headers; the few functions of its C interface
# that we call are declared in src/boltzflow/molecule/xtc.cpp. BOLTZFLOW_CHEMFILES names the folder of another one.
file(GLOB _chemfiles_hints ${BOLTZFLOW_CHEMFILES} ${CMAKE_SOURCE_DIR}/.environment/lib/python3*/site-packages/chemfiles)
find_library(chemfiles_LIBRARY chemfiles HINTS ${_chemfiles_hints})
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(chemfiles REQUIRED_VARS chemfiles_LIBRARY
  REASON_FAILURE_MESSAGE "run scripts/install-dependencies, or set BOLTZFLOW_CHEMFILES to the folder of libchemfiles.so")
if(chemfiles_FOUND AND NOT TARGET chemfiles::chemfiles)
  get_filename_component(chemfiles_LIBRARY_DIR ${chemfiles_LIBRARY} DIRECTORY)
  add_library(chemfiles::chemfiles INTERFACE IMPORTED)
  target_link_libraries(chemfiles::chemfiles INTERFACE ${chemfiles_LIBRARY})
  target_link_options(chemfiles::chemfiles INTERFACE -Wl,-rpath,${chemfiles_LIBRARY_DIR})
endif()
mark_as_advanced(chemfiles_LIBRARY)
