# SPDX-License-Identifier: MIT
# Finds LibTorch >= 2.11 and makes the imported target LibTorch::torch.
#
# The wheel's own TorchConfig.cmake asks for a CUDA toolkit and compiles with nvcc even where only the CPU libraries are
# wanted, so this module names the libraries itself: torch_cpu and c10, and torch_cuda and c10_cuda where BOLTZFLOW_CUDA
# is ON. BOLTZFLOW_LIBTORCH points to another LibTorch than the one in the project's environment.
if(BOLTZFLOW_LIBTORCH)
  set(_libtorch_hints ${BOLTZFLOW_LIBTORCH})
else()
  file(GLOB _libtorch_hints ${CMAKE_SOURCE_DIR}/.environment/lib/python3*/site-packages/torch)
endif()
find_path(LibTorch_INCLUDE_DIR torch/csrc/api/include/torch/version.h HINTS ${_libtorch_hints} PATH_SUFFIXES include
          NO_DEFAULT_PATH)
find_library(LibTorch_torch_cpu torch_cpu HINTS ${_libtorch_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_library(LibTorch_c10 c10 HINTS ${_libtorch_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
set(_libtorch_required LibTorch_INCLUDE_DIR LibTorch_torch_cpu LibTorch_c10)
if(BOLTZFLOW_CUDA)
  find_library(LibTorch_torch_cuda torch_cuda HINTS ${_libtorch_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
  find_library(LibTorch_c10_cuda c10_cuda HINTS ${_libtorch_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
  list(APPEND _libtorch_required LibTorch_torch_cuda LibTorch_c10_cuda)
endif()
# Older LibTorch has this header elsewhere, so its absence means too old as well.
foreach(_libtorch_header IN ITEMS torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
  if(LibTorch_INCLUDE_DIR AND NOT LibTorch_VERSION AND EXISTS ${LibTorch_INCLUDE_DIR}/${_libtorch_header})
    file(READ ${LibTorch_INCLUDE_DIR}/${_libtorch_header} _libtorch_text)
    if(_libtorch_text MATCHES "TORCH_VERSION_MAJOR ([0-9]+)")
      set(LibTorch_VERSION ${CMAKE_MATCH_1})
      string(REGEX MATCH "TORCH_VERSION_MINOR ([0-9]+)" _ "${_libtorch_text}")
      string(APPEND LibTorch_VERSION .${CMAKE_MATCH_1})
      string(REGEX MATCH "TORCH_VERSION_PATCH ([0-9]+)" _ "${_libtorch_text}")
      string(APPEND LibTorch_VERSION .${CMAKE_MATCH_1})
    endif()
  endif()
endforeach()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS ${_libtorch_required} VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run scripts/install-dependencies, or set BOLTZFLOW_LIBTORCH to a LibTorch >= 2.11")
if(LibTorch_FOUND AND LibTorch_VERSION VERSION_LESS 2.11)
  message(FATAL_ERROR "LibTorch ${LibTorch_VERSION} in ${LibTorch_INCLUDE_DIR} is too old: boltzflow needs 2.11 or newer")
endif()
if(LibTorch_FOUND AND NOT TARGET LibTorch::torch)
  get_filename_component(LibTorch_LIBRARY_DIR ${LibTorch_torch_cpu} DIRECTORY)
  add_library(LibTorch::torch INTERFACE IMPORTED)
  # The wheel's include folder also holds fmt, oneDNN and others in versions of its own, which would shadow those we link;
  # so its users see links to the folders that are LibTorch's.
  set(_libtorch_headers ${CMAKE_BINARY_DIR}/libtorch-include)
  file(MAKE_DIRECTORY ${_libtorch_headers})
  foreach(_libtorch_folder IN ITEMS ATen c10 caffe2 torch)
    file(CREATE_LINK ${LibTorch_INCLUDE_DIR}/${_libtorch_folder} ${_libtorch_headers}/${_libtorch_folder} SYMBOLIC)
  endforeach()
  set_target_properties(LibTorch::torch PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_libtorch_headers};${_libtorch_headers}/torch/csrc/api/include")
  # The CUDA wheel's libraries find libcudart and libcupti through their own rpath; the linker need not.
  target_link_libraries(LibTorch::torch INTERFACE ${LibTorch_torch_cpu} ${LibTorch_c10}
    $<$<BOOL:${BOLTZFLOW_CUDA}>:-Wl,--no-as-needed> ${LibTorch_torch_cuda} ${LibTorch_c10_cuda}
    $<$<BOOL:${BOLTZFLOW_CUDA}>:-Wl,--as-needed>)
  target_link_options(LibTorch::torch INTERFACE -Wl,--allow-shlib-undefined -Wl,-rpath,${LibTorch_LIBRARY_DIR})
endif()
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_torch_cpu LibTorch_c10 LibTorch_torch_cuda LibTorch_c10_cuda)
