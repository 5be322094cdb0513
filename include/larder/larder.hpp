#pragma once
// All of larder but `types/` and `interop/`, which are opt-in. Programs that care for compile time include the
// headers of what they use.

#include <larder/array.hpp>
#include <larder/atomic.hpp>
#include <larder/cpu_count.hpp>
#include <larder/create.hpp>
#include <larder/dump.hpp>
#include <larder/error.hpp>
#include <larder/fields.hpp>
#include <larder/file_content.hpp>
#include <larder/function.hpp>
#include <larder/half.hpp>
#include <larder/hash.hpp>
#include <larder/hasher.hpp>
#include <larder/init.hpp>
#include <larder/inspect.hpp>
#include <larder/load.hpp>
#include <larder/log.hpp>
#include <larder/memory.hpp>
#include <larder/object_ref.hpp>
#include <larder/parallel.hpp>
#include <larder/shelved.hpp>
#include <larder/ship.hpp>
#include <larder/storable.hpp>
#include <larder/store.hpp>
#include <larder/version.hpp>
