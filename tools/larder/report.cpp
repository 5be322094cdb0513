#include "tools/larder/report.hpp"

#include "tools/larder/streams.hpp"

namespace larder::command {

void report::add_found(const std::string& path) {
  ++found_count_;
  if (is_json()) {
    found_.json[subject_] = path;
    document_.push_back(std::move(found_.json));
  } else {
    print(found_.text);
  }
}

void report::add_fault(const std::string& path, const fault& wrong) {
  ++(wrong.status == exit_status::damaged ? damaged_ : unusable_);
  if (is_json()) {
    document_.push_back({{subject_, path}, {"error", {{"code", wrong.code}, {"text", wrong.text}}}});
  }
  if (is_json() || faults_ == fault_text::complaint) {
    complain(wrong.text);
  } else {
    print(printable(wrong.text) + '\n');
  }
}

exit_status report::finish() {
  if (is_json()) {
    // File names are any bytes, and JSON is UTF-8.
    const auto text = [](const nlohmann::json& of) {
      return of.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
    };
    print(text(document_.size() == 1 ? document_[0] : document_));
  }
  return unusable_ != 0 ? exit_status::unusable : damaged_ != 0 ? exit_status::damaged : exit_status::fine;
}

}  // namespace larder::command
