#pragma once
// The version of this library. This is its one place: the build and the packages read it from these three lines.

#include <string_view>

#define LARDER_VERSION_MAJOR 0
#define LARDER_VERSION_MINOR 1
#define LARDER_VERSION_PATCH 0

#define LARDER_DETAIL_TEXT2(x) #x
#define LARDER_DETAIL_TEXT(x) LARDER_DETAIL_TEXT2(x)

namespace larder {

/// "MAJOR.MINOR.PATCH" of the headers that this program was compiled with.
inline constexpr std::string_view version = LARDER_DETAIL_TEXT(LARDER_VERSION_MAJOR) "." LARDER_DETAIL_TEXT(
    LARDER_VERSION_MINOR) "." LARDER_DETAIL_TEXT(LARDER_VERSION_PATCH);

}  // namespace larder

#undef LARDER_DETAIL_TEXT
#undef LARDER_DETAIL_TEXT2
