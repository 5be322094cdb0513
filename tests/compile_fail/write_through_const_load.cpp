// expect: read-only|not assignable|const-qualified|returns a const
#include <filesystem>

#include <larder/array.hpp>
#include <larder/load.hpp>

#ifdef CONTROL
using element = double;
#else
using element = const double;
#endif

void write(const std::filesystem::path& path) { larder::load<larder::array<element>>(path)(0) = 1.0; }
