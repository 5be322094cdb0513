// expect: larder: is_raw is for trivially copyable structs without padding
#include <cstdint>
#include <filesystem>

#include <larder/dump.hpp>
#include <larder/fields.hpp>

struct sample {
  std::int32_t when;
#ifdef CONTROL
  std::int32_t value;
#else
  std::int64_t value;
#endif
};
template <>
inline constexpr bool larder::is_raw<sample> = true;

void store(const sample& v, const std::filesystem::path& path) { larder::dump(v, path); }
