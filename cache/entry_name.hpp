#pragma once
// The names in a cache directory:
//
//   <location>/<function>/<code id>/<2 hex>/<30 hex>      an entry; the 32 digits are its key
//
// Function names and versions are escaped (src/escaped_name.hpp). A code id is "v-" and the version, or "b-" and the identity of the build.

#include <optional>
#include <string>
#include <string_view>

#include <larder/digest.hpp>

namespace larder::detail {

/// As above. value_error where `text` is empty or longer than a file name can be; `what` names it.
std::string escaped(std::string_view text, std::string_view what);

/// The code id of a directory of this name, its version not escaped; nothing where it is not that of a code.
std::optional<std::string> code_id_from(std::string_view name);

/// The path of an entry below the directory of its function and code.
std::string entry_path(const std::string& code_directory, const digest& key);

/// The location that an entry of this path lies in.
std::string location_of_entry(const std::string& path);

/// The first byte of the keys in a directory of this name; nothing where it is not two hex digits.
std::optional<unsigned char> first_key_byte(std::string_view name) noexcept;
unsigned char first_key_byte(const digest& key) noexcept;
/// The name of that directory.
std::string first_key_digits(unsigned char byte);

/// The key of an entry of this name in that directory; nothing where it is not thirty hex digits.
std::optional<digest> entry_key(unsigned char first_byte, std::string_view name) noexcept;

}  // namespace larder::detail
