# Instruments all that is compiled from here on, dependencies' headers and tests included: a sanitizer that misses a part
# reports false errors. Any error ends the program, so that no test passes over one.
set(known "address,undefined" "thread" "fuzzer-no-link,address,undefined")
if(NOT LARDER_SANITIZE IN_LIST known)
  list(JOIN known "\", \"" known)
  message(FATAL_ERROR "LARDER_SANITIZE is \"${LARDER_SANITIZE}\"; it can be empty, \"${known}\"")
endif()
add_compile_options(-fsanitize=${LARDER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
add_compile_definitions(_GLIBCXX_ASSERTIONS)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-maybe-uninitialized)  # false alarms about instrumented standard headers
endif()
add_link_options(-fsanitize=${LARDER_SANITIZE})
