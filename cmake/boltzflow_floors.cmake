# SPDX-License-Identifier: MIT
# One target per floor of the house (docs/architecture.md); a floor links only floors below it, so a wrong include does
# not link, and tests/architecture walks the include graph for the header-only cases.

# boltzflow_floor(NAME [SOURCES ...] [KERNELS ...] [PUBLIC ...] [PRIVATE ...])
#   SOURCES  compiled once; KERNELS compiled three times, for x86-64-v2, -v3 and -v4, each with
#            BOLTZFLOW_SIMD_TARGET set to baseline, avx2 or avx512 (see base/simd/vector-inl.hpp).
#   PUBLIC, PRIVATE  targets to link: floors below, and libraries.
function(boltzflow_floor name)
  cmake_parse_arguments(floor "" "" "SOURCES;KERNELS;PUBLIC;PRIVATE" ${ARGN})
  add_library(boltzflow_${name} STATIC ${floor_SOURCES})
  add_library(boltzflow::${name} ALIAS boltzflow_${name})
  set_target_properties(boltzflow_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(boltzflow_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src> $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/generated>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(boltzflow_${name} PUBLIC cxx_std_20)
  target_link_libraries(boltzflow_${name} PUBLIC ${floor_PUBLIC} PRIVATE ${floor_PRIVATE})
  boltzflow_compile_options(boltzflow_${name})
  if(floor_KERNELS)
    boltzflow_kernels(boltzflow_${name} ${floor_KERNELS})
  endif()
  set_property(GLOBAL APPEND PROPERTY BOLTZFLOW_FLOORS boltzflow_${name})
endfunction()

function(boltzflow_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-ignored-attributes -Wno-psabi -Wno-restrict
    $<$<BOOL:${BOLTZFLOW_WARNINGS_AS_ERRORS}>:-Werror>)
  if(BOLTZFLOW_SANITIZERS)
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
endfunction()

# No -ffast-math: kernels test for NaN. -fno-math-errno and -fno-trapping-math change no value. Kernel files instantiate
# nothing of std:: that another file may share, lest the linker keep the copy made of AVX-512 instructions.
function(boltzflow_kernels target)
  foreach(isa IN ITEMS baseline:x86-64-v2 avx2:x86-64-v3 avx512:x86-64-v4)
    string(REPLACE ":" ";" isa ${isa})
    list(GET isa 0 simd_target)
    list(GET isa 1 march)
    add_library(${target}_${simd_target} OBJECT ${ARGN})
    target_include_directories(${target}_${simd_target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_compile_definitions(${target}_${simd_target} PRIVATE BOLTZFLOW_SIMD_TARGET=${simd_target})
    target_compile_options(${target}_${simd_target} PRIVATE -O3 -march=${march} -mprefer-vector-width=512
      -ffp-contract=fast -fno-math-errno -fno-trapping-math)
    boltzflow_compile_options(${target}_${simd_target})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_${simd_target}>)
  endforeach()
endfunction()
