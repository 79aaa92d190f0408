# SPDX-License-Identifier: MIT
# Installs the program, the libraries, the headers and a package for find_package(boltzflow).
include(CMakePackageConfigHelpers)
get_property(_floors GLOBAL PROPERTY BOLTZFLOW_FLOORS)
install(TARGETS ${_floors} EXPORT boltzflow-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET boltzflow)
  install(TARGETS boltzflow RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY src/boltzflow DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp" PATTERN "energy_plugin.h" PATTERN "*-inl.hpp" EXCLUDE PATTERN "reference" EXCLUDE PATTERN "kernels" EXCLUDE)
install(EXPORT boltzflow-targets NAMESPACE boltzflow:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/boltzflow)
configure_package_config_file(cmake/boltzflow-config.cmake.in ${PROJECT_BINARY_DIR}/boltzflow-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/boltzflow)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/boltzflow-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/boltzflow-config.cmake ${PROJECT_BINARY_DIR}/boltzflow-config-version.cmake
              cmake/FindLibTorch.cmake cmake/Findchemfiles.cmake cmake/Findlibzip.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/boltzflow)
install(FILES LICENSE CITATION.cff DESTINATION ${CMAKE_INSTALL_DOCDIR})
