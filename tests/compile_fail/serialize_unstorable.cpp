// expect: larder: pointers mean nothing in a file
#include <filesystem>
#include <string>

#include <larder/dump.hpp>

struct record {
#ifdef CONTROL
  std::string text;
#else
  const char* text = nullptr;
#endif
  template <class Archive>
  void serialize(Archive& ar) {
    ar(text);
  }
};

// The check cannot look into a serialize beforehand: it fails there.
void store(const record& v, const std::filesystem::path& path) { larder::dump(v, path); }
