# Runs PROGRAM in the empty DIRECTORY; fails unless it exits with 0 and prints exactly what is in the file EXPECTED.
file(REMOVE_RECURSE "${DIRECTORY}")
file(MAKE_DIRECTORY "${DIRECTORY}")
execute_process(COMMAND "${PROGRAM}" WORKING_DIRECTORY "${DIRECTORY}"
  OUTPUT_VARIABLE found ERROR_VARIABLE errors RESULT_VARIABLE status)
file(READ "${EXPECTED}" expected)
if(NOT status EQUAL 0 OR NOT found STREQUAL expected)
  message(FATAL_ERROR "${PROGRAM} ended with ${status}\n"
    "---- expected (${EXPECTED}):\n${expected}---- found:\n${found}---- on stderr:\n${errors}")
endif()
