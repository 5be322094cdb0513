#pragma once
// Which sanitizer a test is compiled with, 0 or 1 for each: GCC says it by macros, clang by features.

#if defined(__SANITIZE_THREAD__)
#define LARDER_TEST_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LARDER_TEST_THREAD_SANITIZER 1
#endif
#endif
#ifndef LARDER_TEST_THREAD_SANITIZER
#define LARDER_TEST_THREAD_SANITIZER 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define LARDER_TEST_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LARDER_TEST_ADDRESS_SANITIZER 1
#endif
#endif
#ifndef LARDER_TEST_ADDRESS_SANITIZER
#define LARDER_TEST_ADDRESS_SANITIZER 0
#endif

// The thread sanitizer keeps the parent's threads on its books in a child of fork and ends the child when one
// of its own gets the same id, so what starts threads in such a child is tested without it.
#define LARDER_TEST_THREADS_IN_CHILD !LARDER_TEST_THREAD_SANITIZER

// The sanitizers' allocators have locks that fork does not take: where another thread holds one at that moment, the
// child waits for it for ever. So what forks while other threads are at it is tested without them; in all other tests
// the other threads rest while a child is forked.
#define LARDER_TEST_FORK_BESIDE_THREADS (!LARDER_TEST_ADDRESS_SANITIZER && !LARDER_TEST_THREAD_SANITIZER)
