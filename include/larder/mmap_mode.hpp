#pragma once
// How a loaded array relates to its file.

namespace larder {

enum class mmap_mode {
  none,           ///< a copy in memory; every byte is verified
  read,           ///< mapped read-only (joblib 'r')
  read_write,     ///< mapped; writes go to the file (joblib 'r+'); always asked for by name
  copy_on_write,  ///< mapped; writes stay private to this array, the file is untouched (joblib 'c')
};

}  // namespace larder
