#pragma once
// An environment variable that a test sets.
//
//   const environment cap("LARDER_MAX_CPUS", "1");

#include <stdlib.h>

#include <optional>
#include <string>

/// For a scope. While no other thread looks at the environment.
class environment {
 public:
  environment(const char* name, const char* value) : name_(name) {
    if (const char* old = ::getenv(name)) old_ = old;
    ::setenv(name, value, 1);
  }
  ~environment() {
    if (old_) {
      ::setenv(name_, old_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};
