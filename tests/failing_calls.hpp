#pragma once
// Which system calls of this program fail, where failing_calls.cpp is linked.

#include <string>
#include <vector>

/// Replaces the rules, which are those of FAILING_CALLS; the calls are counted from here. While no other thread makes calls.
void set_failing_calls(const std::string& rules);

/// "CALL FAULT" for each time that a rule came to bear since then.
std::vector<std::string> failed_calls();
