// Objects in files: a struct of one's own, its arrays mapped when it is loaded, and a struct that changed since.

#include <cereal/cereal.hpp>
#include <larder/larder.hpp>

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace lab {

/// A measurement. Naming the members makes it storable.
struct run {
  std::string instrument;
  std::vector<std::string> notes;
  larder::array<const double> signal;

  LARDER_FIELDS(instrument, notes, signal)
};

/// A type that may change: files of version 1 had no gain.
struct calibration {
  double offset = 0;
  double gain = 1;

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t version) {
    archive(offset);
    if (version >= 2) archive(gain);
  }
};

}  // namespace lab

CEREAL_CLASS_VERSION(lab::calibration, 2)

int main() {
  larder::array<double> signal({1'000'000});
  for (int i = 0; i < 1'000'000; ++i) signal(i) = 0.5 * i;

  std::map<std::string, lab::run> runs;
  runs["first"] = {"spectrograph", {"cloudy"}, signal};
  runs["second"] = {"spectrograph", {}, signal.slice(0, 0, 1000)};
  larder::dump(runs, "runs.larder");

  const auto loaded = larder::load<std::map<std::string, lab::run>>("runs.larder");
  const lab::run& first = loaded.at("first");
  std::printf("%s, %s: %zu samples, the last %g, %s\n", first.instrument.c_str(), first.notes[0].c_str(),
              first.signal.size(), first.signal(999'999), first.signal.is_mapped() ? "mapped" : "copied");

  larder::dump(lab::calibration{0.25, 1.5}, "calibration.larder");
  std::printf("gain %g\n", larder::load<lab::calibration>("calibration.larder").gain);

  larder::dump(runs, "small.larder", {.compress = 3});  // smaller; it is copied when it is loaded
  const bool smaller = larder::inspect("small.larder").file_bytes < larder::inspect("runs.larder").file_bytes;
  std::printf("%s, and %s\n", larder::verify("small.larder").type.c_str(), smaller ? "smaller" : "larger");

  std::puts(larder::hash(runs) == larder::hash(loaded) ? "the same content" : "other content");
  try {
    larder::load<std::vector<lab::run>>("runs.larder");
  } catch (const larder::type_mismatch& e) {
    std::printf("expected %s, found %s\n", e.expected().c_str(), e.found().c_str());
  }
}
