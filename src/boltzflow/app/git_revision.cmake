# SPDX-License-Identifier: MIT
# Run at every build: writes ${OUTPUT} with the git revision of ${SOURCE}, and touches it only when that has changed.
set(revision unknown)
execute_process(COMMAND git -C ${SOURCE} describe --always --abbrev=12 --exclude=* --dirty=-modified
                OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(NOT failed AND found)
  set(revision ${found})
endif()
set(text "// Written by git_revision.cmake.\n#pragma once\n#define BOLTZFLOW_GIT_REVISION \"${revision}\"\n")
set(present "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} present)
endif()
if(NOT present STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
