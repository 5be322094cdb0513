#pragma once
// What a task may throw that is not a std::exception.

struct plain_failure {
  int task;
};
