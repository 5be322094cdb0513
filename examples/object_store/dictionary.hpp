#pragma once
// What the programs of this example share: the daily prices of some stocks, by name.

#include <larder/array.hpp>

#include <cstddef>
#include <map>
#include <string>

namespace object_store {

constexpr const char* k_prices = "prices";  // the object: a map of arrays, put by the producer anew and anew
constexpr const char* k_producer = "producer";  // an object too: its process id
constexpr const char* k_holding = "holding";    // put by the consumer when it holds the prices

constexpr std::size_t k_days = 50'000;

/// As it is put. All prices of one round are equal, so that a mix of two rounds would show.
using prices = std::map<std::string, larder::array<double>>;
/// As it is got: the arrays are mapped from the store, read-only. It is the same type to a store.
using mapped_prices = std::map<std::string, larder::array<const double>>;

}  // namespace object_store
