# larder_warnings(TARGET): the warnings that larder's own code is clean of, for this target alone.
function(larder_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic
    -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion
    -Wold-style-cast -Wcast-qual -Wcast-align -Wformat=2
    -Wnon-virtual-dtor -Woverloaded-virtual -Wundef -Wimplicit-fallthrough
    "$<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond;-Wduplicated-branches;-Wlogical-op>"
    "$<$<BOOL:${LARDER_WERROR}>:-Werror>")
endfunction()
