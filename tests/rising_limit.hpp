#pragma once
// Time limits in tests, which a task that should keep them may exceed on a busy machine.

#include <chrono>

#include "tests/catch.hpp"

/// Calls body(limit) until it returns true, each time with four times the limit, up to a minute; then the test fails. It returns false
/// where a task was over its time that should not have been: a longer limit mends that, but no defect.
template <class Body>
void with_rising_limit(std::chrono::milliseconds limit, Body body) {
  for (; limit <= std::chrono::minutes(1); limit *= 4) {
    if (body(limit)) return;
  }
  FAIL("a task is over its time that should not be, also with a limit of " << limit.count() / 4 << " ms");
}
