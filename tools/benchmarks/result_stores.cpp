#include "tools/benchmarks/result_stores.hpp"

#if defined(LARDER_BENCH_LMDB)
#include <lmdb.h>
#endif
#if defined(LARDER_BENCH_SQLITE)
#include <sqlite3.h>
#endif
#if defined(LARDER_BENCH_BOOST_SERIALIZATION)
#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/version.hpp>
#endif
#include <xxhash.h>
#include <cereal/archives/binary.hpp>
#include <cereal/version.hpp>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "tools/benchmarks/floor.hpp"

namespace larder_bench {
namespace {

/// Databases have keys of 64 bits, which both of them have a faster path for than for keys of other lengths.
std::uint64_t key_of(int argument) { return XXH3_64bits(&argument, sizeof argument); }

[[noreturn]] void fail(const std::string& library, const char* why) {
  throw std::runtime_error(library + ": " + why);
}

#if defined(LARDER_BENCH_LMDB)

/// As lmdb.h advises: one environment that stays open, and a read-only transaction that is reset and renewed, not made
/// anew. Each put is a transaction of its own. MDB_NOTLS lets the thread that has the other one write.
class lmdb_store final : public database {
 public:
  explicit lmdb_store(const std::string& path) {
    constexpr std::size_t k_most_bytes = std::size_t{1} << 34;  // of addresses, not of memory or disk
    check(::mdb_env_create(&environment_));
    check(::mdb_env_set_mapsize(environment_, k_most_bytes));
    check(::mdb_env_open(environment_, path.c_str(), MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOTLS, 0644));
    begin();
    check(::mdb_dbi_open(writer_, nullptr, MDB_INTEGERKEY, &table_));
    commit();
    check(::mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &reader_));
    ::mdb_txn_reset(reader_);
  }
  ~lmdb_store() override {
    ::mdb_txn_abort(reader_);
    ::mdb_env_close(environment_);
  }

  void put_bytes(int argument, std::span<const std::byte> result) override {
    std::uint64_t number = key_of(argument);
    MDB_val key{sizeof number, &number};
    MDB_val value{result.size(), const_cast<std::byte*>(result.data())};
    const bool alone = writer_ == nullptr;
    if (alone) begin();
    check(::mdb_put(writer_, table_, &key, &value, 0));
    if (alone) commit();
  }

  std::optional<std::uint64_t> find(int argument) override {
    std::uint64_t number = key_of(argument);
    MDB_val key{sizeof number, &number};
    MDB_val value{};
    check(::mdb_txn_renew(reader_));
    const int status = ::mdb_get(reader_, table_, &key, &value);  // in the map, not copied
    std::optional<std::uint64_t> seen;
    if (status == MDB_SUCCESS) seen = *static_cast<const unsigned char*>(value.mv_data);
    ::mdb_txn_reset(reader_);
    if (status != MDB_NOTFOUND) check(status);
    return seen;
  }

 private:
  static void check(int status) {
    if (status != MDB_SUCCESS) fail("lmdb", ::mdb_strerror(status));
  }
  void begin() override { check(::mdb_txn_begin(environment_, nullptr, 0, &writer_)); }
  void commit() override { check(::mdb_txn_commit(std::exchange(writer_, nullptr))); }

  MDB_env* environment_ = nullptr;
  MDB_dbi table_ = 0;
  MDB_txn* reader_ = nullptr;
  MDB_txn* writer_ = nullptr;  // between begin and commit
};

#endif

#if defined(LARDER_BENCH_SQLITE)

/// As sqlite.org advises where nothing has to outlive a power failure: a write-ahead log, synchronous off, statements
/// that are prepared once, an integer as the primary key. One row per result, each put a transaction of its own.
class sqlite_store final : public database {
 public:
  explicit sqlite_store(const std::string& path) {
    constexpr int k_one_thread = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    check(::sqlite3_open_v2(path.c_str(), &connection_, k_one_thread, nullptr));
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=OFF");
    run("CREATE TABLE IF NOT EXISTS results (key INTEGER PRIMARY KEY, result BLOB NOT NULL)");
    insert_ = prepare("INSERT OR REPLACE INTO results VALUES (?, ?)");
    select_ = prepare("SELECT result FROM results WHERE key = ?");
  }
  ~sqlite_store() override {
    ::sqlite3_finalize(insert_);
    ::sqlite3_finalize(select_);
    ::sqlite3_close(connection_);
  }

  void put_bytes(int argument, std::span<const std::byte> result) override {
    check(::sqlite3_bind_int64(insert_, 1, static_cast<sqlite3_int64>(key_of(argument))));
    check(::sqlite3_bind_blob64(insert_, 2, result.data(), result.size(), SQLITE_STATIC));
    const int status = ::sqlite3_step(insert_);
    ::sqlite3_reset(insert_);
    if (status != SQLITE_DONE) check(status);
  }

  std::optional<std::uint64_t> find(int argument) override {
    check(::sqlite3_bind_int64(select_, 1, static_cast<sqlite3_int64>(key_of(argument))));
    const int status = ::sqlite3_step(select_);
    std::optional<std::uint64_t> seen;
    if (status == SQLITE_ROW) seen = *static_cast<const unsigned char*>(::sqlite3_column_blob(select_, 0));
    ::sqlite3_reset(select_);
    if (status != SQLITE_ROW && status != SQLITE_DONE) check(status);
    return seen;
  }

 private:
  void check(int status) {
    if (status != SQLITE_OK) fail("sqlite", ::sqlite3_errmsg(connection_));
  }
  void begin() override { run("BEGIN"); }
  void commit() override { run("COMMIT"); }
  void run(const char* text) { check(::sqlite3_exec(connection_, text, nullptr, nullptr, nullptr)); }
  sqlite3_stmt* prepare(const char* text) {
    sqlite3_stmt* statement = nullptr;
    check(::sqlite3_prepare_v3(connection_, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
    return statement;
  }

  sqlite3* connection_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* select_ = nullptr;
};

#endif

/// A file per result, whose name is the hash of the argument, by the library's binary archives on streams of the standard
/// library, as their documentation has them. It is written under another name first: nobody is to find half of it.
template <class Output, class Input>
class archive_files final : public number_store {
 public:
  explicit archive_files(std::string directory) : directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_);
  }

  void put(int argument, int result) override {
    const std::string path = floor::number_path(directory_, argument);
    const std::string temporary = path + ".tmp";
    {
      std::ofstream file(temporary, std::ios::binary);
      Output(file) << result;
      if (!file.flush()) fail(path, "cannot be written");
    }
    std::filesystem::rename(temporary, path);
  }

  std::optional<std::uint64_t> find(int argument) override {
    std::ifstream file(floor::number_path(directory_, argument), std::ios::binary);
    if (!file) return std::nullopt;
    int result = 0;
    Input(file) >> result;
    return static_cast<std::uint64_t>(result);
  }

 private:
  std::string directory_;
};

template <class Kind, class Store>
store_maker<Store> maker(const char* name) {
  return {name, [](const std::string& path) { return std::make_unique<Kind>(path); }};
}

}  // namespace

std::uint64_t number_store::get(int argument) {
  const auto seen = find(argument);
  if (!seen) throw std::runtime_error("a result that was put is not there");
  return *seen;
}

void database::put(int argument, int result) { put_bytes(argument, std::as_bytes(std::span(&result, 1))); }

void database::fill(int count, const std::function<void(int)>& put) {
  constexpr int k_at_once = 10'000;
  for (int i = 0; i < count; ++i) {
    if (i % k_at_once == 0) begin();
    put(i);
    if (i % k_at_once == k_at_once - 1 || i == count - 1) commit();
  }
}

std::vector<store_maker<database>> databases() {
  std::vector<store_maker<database>> all;
#if defined(LARDER_BENCH_LMDB)
  all.push_back(maker<lmdb_store, database>("lmdb"));
#endif
#if defined(LARDER_BENCH_SQLITE)
  all.push_back(maker<sqlite_store, database>("sqlite"));
#endif
  return all;
}

std::vector<store_maker<number_store>> number_stores() {
  std::vector<store_maker<number_store>> all;
  for (const auto& each : databases()) all.push_back({each.name, each.open});
  using cereal::BinaryInputArchive, cereal::BinaryOutputArchive;
  all.push_back(maker<archive_files<BinaryOutputArchive, BinaryInputArchive>, number_store>("cereal"));
#if defined(LARDER_BENCH_BOOST_SERIALIZATION)
  using boost::archive::binary_iarchive, boost::archive::binary_oarchive;
  all.push_back(maker<archive_files<binary_oarchive, binary_iarchive>, number_store>("boost-serialization"));
#endif
  return all;
}

void add_result_store_versions(peer_versions& versions) {
  versions["lmdb"] = versions["sqlite"] = versions["boost-serialization"] = std::nullopt;
#if defined(LARDER_BENCH_LMDB)
  int major = 0, minor = 0, patch = 0;
  ::mdb_version(&major, &minor, &patch);
  versions["lmdb"] = std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
#endif
#if defined(LARDER_BENCH_SQLITE)
  versions["sqlite"] = ::sqlite3_libversion();
#endif
  versions["cereal"] = std::to_string(CEREAL_VERSION_MAJOR) + "." + std::to_string(CEREAL_VERSION_MINOR) +
                       "." + std::to_string(CEREAL_VERSION_PATCH);
#if defined(LARDER_BENCH_BOOST_SERIALIZATION)
  versions["boost-serialization"] =
      std::to_string(BOOST_VERSION / 100000) + "." + std::to_string(BOOST_VERSION / 100 % 1000);
#endif
}

}  // namespace larder_bench
