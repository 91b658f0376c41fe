#include "foundation/journal/access_log.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "pipe.hpp"

// Counting needs operators of our own, which ThreadSanitizer's runtime does not let a program have.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GATEWAY_CANNOT_COUNT_ALLOCATIONS
#endif
#endif

#ifndef GATEWAY_CANNOT_COUNT_ALLOCATIONS

namespace {
std::atomic<int> allocations = 0;
void* counted(std::size_t size) {
  ++allocations;
  return std::malloc(size);
}
}  // namespace

void* operator new(std::size_t size) {
  if (void* got = counted(size)) return got;
  throw std::bad_alloc{};
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return counted(size);
}
void operator delete(void* what) noexcept {
  std::free(what);
}
void operator delete(void* what, std::size_t) noexcept {
  std::free(what);
}
void operator delete(void* what, const std::nothrow_t&) noexcept {
  std::free(what);
}

using namespace gateway;
using namespace std::chrono_literals;

TEST_CASE("access and audit lines are appended and written without an allocation") {
  const small_pipe pipe{true};
  journal::output to{pipe.writing_end()};
  journal::access_log log{to, {}};
  journal::access_entry entry;
  entry.at = std::chrono::sys_days{std::chrono::year{2026} / 1 / 2} + 678ms;
  entry.request_id = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
  entry.caller = "needs \"escapes\"\n";
  entry.code = 201;
  entry.duration = 12ms;
  entry.upstream = 11ms;

  journal::audit_entry audit;
  audit.message = "session created";
  audit.caller = entry.caller;
  audit.session = "497f6eca-6276-4993-bfeb-53cbbbba6f08";

  const int before = allocations;
  for (int i = 0; i < 100; ++i) {
    entry.at += 50ms;
    log.append(entry);
    audit.at = entry.at;
    log.append(audit);
  }
  log.flush();
  const int after = allocations;
  CHECK(after == before);
  CHECK(before > 0);  // it does count
}

#endif
