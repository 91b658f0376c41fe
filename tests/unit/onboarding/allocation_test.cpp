// The happy paths of a warm gateway allocate nothing. This program counts what goes through operator new.
#include "onboarding/answer.hpp"
#include "onboarding/creation.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

// Counting needs operators of our own, which ThreadSanitizer's runtime does not let a program have.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GATEWAY_CANNOT_COUNT_ALLOCATIONS
#endif
#endif

#ifndef GATEWAY_CANNOT_COUNT_ALLOCATIONS

namespace {
std::size_t allocations = 0;  // doctest runs its cases one after the other
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size ? size : 1)) return memory;
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace {

using namespace gateway::onboarding;

TEST_CASE("a warm creation with defaults, escapes and nested metadata allocates nothing") {
  const creation_policy policy{{.languages = {"de"},
                                .redirects = {.http_to_localhost = false,
                                              .host_allowed = [](std::string_view h) { return h == "portal.example"; }},
                                .defaults = {{"language", R"("de")"}, {"price_zone_default", R"("AT")"}}}};
  constexpr std::string_view body =
      R"({"success_url":"https://portal.example/a","cancel_url":"https:\/\/portal.example\/b",)"
      R"("user_id":"a169451c-8525-4352-b8ca-070dd449a1a5","external_metadata":{"t\u0065am":{"a":[1,2,{"b":"c\n"}]}}})";
  scratch memory;
  std::string out;
  defaulted from_defaults;
  REQUIRE(compose_creation(body, policy, memory, out, from_defaults).has_value());
  const auto before = allocations;
  const bool ok = compose_creation(body, policy, memory, out, from_defaults).has_value();
  const auto after = allocations;
  CHECK(ok);
  CHECK(after == before);
}

TEST_CASE("a warm answer allocates nothing") {
  const answer_policy policy{.shortcuts = {{"heat_pump", "/heat-pumps"}}};
  const std::array<std::string_view, 2> pointers{"/language", "/price_zone_default"};
  const answer_context context{.now = {}, .creation = true, .defaulted = pointers};
  constexpr std::string_view body =
      R"({"authentication_url":"https://connect.podero.com?onboarding_session_id=497f6eca-6276-4993-bfeb-53cbbbba6f08",)"
      R"("id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","expiration_date":"2024-08-24","object_id":null,"external_metadata":{}})";
  scratch memory;
  std::string out;
  REQUIRE(compose_session(body, policy, context, memory, out).has_value());
  const auto before = allocations;
  const bool ok = compose_session(body, policy, context, memory, out).has_value();
  const auto after = allocations;
  CHECK(ok);
  CHECK(after == before);
}

}  // namespace

#endif
