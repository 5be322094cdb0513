#pragma once
// The compiled side of a cached function: looks up, computes and stores, whatever the types.

#include <cstddef>
#include <memory>
#include <string>

#include <larder/cache_options.hpp>
#include <larder/detail/function_ref.hpp>
#include <larder/detail/hash_stream.hpp>
#include <larder/detail/travel.hpp>
#include <larder/detail/value_sink.hpp>
#include <larder/detail/value_source.hpp>
#include <larder/digest.hpp>
#include <larder/load.hpp>

namespace larder::detail {

class memory_state;  // cache/memory_state.hpp
class cached_state;  // cache/cached_state.hpp

/// One call, and its result once there is one.
class pending_call {
 public:
  /// Calls the function and keeps its result; what it throws passes through.
  virtual void compute() = 0;
  /// The result that is kept, to a file.
  virtual void write(value_sink& to) const = 0;
  /// Keeps the result in a file instead.
  virtual void read(value_source& from) = 0;
  /// The arguments, readable, for the metadata of the entry.
  virtual std::string describe() const = 0;

 protected:
  ~pending_call() = default;
};

/// What the core has to know of a type of result.
struct result_traits {
  std::string text;           // in the key
  bool is_object = false;     // and not one array
  bool holds_arrays = false;  // which come mapped
};

/// Which function a name stands for, and how it is called. Of one type only one function, if it is no pointer.
struct function_identity {
  const void* type = nullptr;     // an address for each type and signature
  const void* address = nullptr;  // of a function pointer: what it points to
  const void* code = nullptr;     // an address in the module that holds the function's code

  friend bool operator==(const function_identity&, const function_identity&) = default;
};

/// What a memory knows of one function; shared by the copies of a wrapper.
class cached_core {
 public:
  struct description {
    std::string name;
    result_traits result;
    std::size_t arity;
    bool has_state;  // which is in the key, before the arguments
    function_identity function;
    cache_options options;
  };
  /// value_error for an empty name, an ignored position that does not exist, or a name that stands for another function.
  cached_core(const std::shared_ptr<const memory_state>& memory, description function);

  /// What another process of the program needs for one of the same results: the memory, the name and the options. not_shippable
  /// where the entries are asked about by a function of the user's.
  void write(travel_writer& to) const;
  /// From what write() wrote, and the rest, which is known from the types; throws as the constructor. Its statistics are this
  /// process's.
  static cached_core read(travel_reader& from, description function);

  bool ignores(std::size_t position) const noexcept;
  /// Begins the key of a call; the state and the arguments follow, in order, without the ignored ones.
  void start_key(hash_stream& stream) const;

  /// The result is kept by the call.
  outcome evaluate(const digest& key, pending_call& call) const;
  /// Whether the result is stored: it is kept by the call otherwise.
  bool shelve(const digest& key, pending_call& call) const;
  /// Computes and stores whatever is there.
  void compute(const digest& key, pending_call& call) const;
  /// Stores what `write` writes, as the result for these (readable) arguments. io_error, value_error.
  void store(const digest& key, const std::string& arguments, function_ref<void(value_sink&)> write) const;

  bool contains(const digest& key) const;
  void forget(const digest& key) const;
  void clear() const;

  std::string path_of(const digest& key) const;
  larder::verification verification() const noexcept;

 private:
  struct obtained {
    outcome how;
    bool stored;
  };
  obtained obtain(const digest& key, pending_call& call, bool load) const;

  std::shared_ptr<const cached_state> state_;
};

/// For what refers to entries by their paths: io_error (also where there is none), format_error.
void load_entry(const std::string& path, bool is_object, verification verify,
                function_ref<void(value_source&)> read);
/// Whatever lies there; nothing is fine. io_error.
void remove_shelved(const std::string& path);
/// Throws the value_error for a result that cannot be had twice.
[[noreturn]] void refuse_taken();

}  // namespace larder::detail
