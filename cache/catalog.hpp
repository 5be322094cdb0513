#pragma once
// What lies in a cache directory (cache/entry_name.hpp has its form), found in one walk that opens no entry.

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <larder/digest.hpp>
#include <larder/reduce_options.hpp>

#include "src/file_times.hpp"

namespace larder::detail {

/// The directory of one function under one code id.
struct catalog_code {
  std::string function;  // as it was named, not escaped
  std::string code;      // "v-" and the version, or "b-" and the identity of the build; not escaped either
  std::string path;
  std::bitset<256> first_bytes;  // which directories of two hex digits there are
};

struct catalog_entry {
  digest key;
  std::uint64_t bytes;  // of the file
  file_time created;    // its mtime
  file_time last_used;  // its atime, or where that is older, its mtime
  std::uint32_t code;   // which of the catalog's codes
};

struct catalog {
  std::vector<catalog_code> codes;
  std::vector<catalog_entry> entries;  // those of a code, and of two first digits, follow each other
  std::vector<std::string>
      misplaced;  // paths of what has an entry's name and is no file: no entry will go there
  std::vector<std::string> left_behind;  // paths of temporary files that nobody can be at work on any more

  std::string path_of(const catalog_entry& entry) const;
  entry_totals totals() const;
};

/// All of the directory; what has not the form of an entry is passed over, and so is what vanishes meanwhile. Empty
/// where there is no directory. io_error. A million entries take two or three seconds, and 50 MB.
catalog read_catalog(const std::string& location);
/// The entries of one function alone. value_error for a name that no function can have.
catalog read_catalog(const std::string& location, std::string_view function);
/// Those below the directory of one code.
catalog read_code_catalog(const std::string& code_directory);

}  // namespace larder::detail
