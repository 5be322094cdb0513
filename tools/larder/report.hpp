#pragma once
// What a subcommand says of the files it was given: as text, file by file as they come, or as one JSON document at the
// end. Faults go to standard error too.

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "tools/larder/exit_status.hpp"
#include "tools/larder/fault.hpp"

namespace larder::command {

enum class report_form { text, json };

/// What was found out about one file, in the form that was asked for.
struct finding {
  std::string text{};  ///< ends with a newline
  nlohmann::json json = nlohmann::json::object();
};

/// Which stream the text of a fault is written to. (With JSON always standard error, beside the document.)
enum class fault_text { complaint, result };

class report {
 public:
  /// `subject` is the key of what is reported on in the JSON document.
  explicit report(report_form form, fault_text faults = fault_text::complaint, std::string subject = "file")
      : form_(form), faults_(faults), subject_(std::move(subject)) {}

  bool is_json() const noexcept { return form_ == report_form::json; }

  /// Calls look(), which returns a finding, and reports it or the fault that it threw, under the subject: path. output_lost.
  template <class Look>
  void add(const std::string& path, Look look) {
    try {
      found_ = look();
    } catch (...) {
      return add_fault(path, current_fault(path));
    }
    add_found(path);
  }

  // How many files so far: fine, damaged, and beyond reach.
  int found() const noexcept { return found_count_; }
  int damaged() const noexcept { return damaged_; }
  int unusable() const noexcept { return unusable_; }

  /// Prints the JSON document: the object of one file, or the array of those of several. The gravest status. output_lost.
  exit_status finish();

 private:
  void add_found(const std::string& path);
  void add_fault(const std::string& path, const fault& wrong);

  report_form form_;
  fault_text faults_;
  std::string subject_;
  finding found_;
  nlohmann::json document_ = nlohmann::json::array();
  int found_count_ = 0;
  int damaged_ = 0;
  int unusable_ = 0;
};

}  // namespace larder::command
