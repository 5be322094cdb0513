#pragma once
// The names of the files in a store.
//
//   weights       an object of this name, escaped (src/escaped_name.hpp)
//   %%VPRom…      the same in base 85 (of RFC 1924, as Python's b85encode), where escaped it would be too long for a file name
//   %r…           an object without a name, and 32 hexadecimal digits by chance

#include <optional>
#include <string>
#include <string_view>

namespace larder::detail {

/// Bytes of the longest name that an object, or a store, may have.
inline constexpr std::size_t k_longest_object_name = 200;

/// The file of an object of this name. value_error, that begins with `what`, where it is empty, too long, or not UTF-8.
std::string object_file_name(std::string_view name, std::string_view what);

/// One that nobody else has.
std::string nameless_object_file_name();
bool is_nameless_object(std::string_view file) noexcept;

/// The name of the object in such a file, empty where it has none; nothing where the file is not that of an object.
std::optional<std::string> object_name(std::string_view file);

}  // namespace larder::detail
