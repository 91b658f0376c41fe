#include <doctest/doctest.h>

#include <cstdio>

#include "onboarding/ownership.hpp"

using namespace gateway;
using onboarding::own_session;
using onboarding::ownership;
using onboarding::session_id;

namespace {

session_id id(int n) {
  char text[40];
  std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012d", n);
  return *session_id::parse(text);
}

own_session session(int n, std::string key = {}) {
  return {.id = id(n), .idempotency_key = std::move(key)};
}

std::vector<session_id> open_of(const ownership& owners, std::size_t caller, std::size_t most = 100) {
  std::vector<session_id> ids;
  for (const auto& one : owners.open_of(caller, most)) ids.push_back(one.id);
  return ids;
}

}  // namespace

TEST_CASE("a session is its callers', and one that nobody remembers is nobody's") {
  ownership owners;
  owners.made(1, session(1));
  owners.made(2, session(1));
  CHECK(owners.owns(id(1), 1));
  CHECK(owners.owns(id(1), 2));
  CHECK_FALSE(owners.owns(id(1), 3));
  CHECK_FALSE(owners.may_see(id(1), 3));
  CHECK_FALSE(owners.owns(id(2), 1));
  CHECK(owners.may_see(id(2), 1));
}

TEST_CASE("beyond the most that are remembered the oldest are forgotten, also in the lists of their callers") {
  ownership owners{3};
  for (int n = 1; n <= 10; ++n) {
    owners.made(static_cast<std::size_t>(n % 2), session(n));
    for (int other = 1; other <= 10; ++other)
      CHECK(owners.owns(id(other), static_cast<std::size_t>(other % 2)) == (other <= n && other > n - 3));
  }
  CHECK(open_of(owners, 0) == std::vector{id(10), id(8)});
  CHECK(open_of(owners, 1) == std::vector{id(9)});
}

TEST_CASE("a caller's pending sessions come newest first, with its keys, and as many as were asked for") {
  ownership owners;
  for (int n = 1; n <= 4; ++n) owners.made(7, session(n, "key-" + std::to_string(n)));
  CHECK(owners.completed(id(3)));
  CHECK_FALSE(owners.completed(id(3)));
  CHECK(owners.ended(id(3)));
  CHECK(open_of(owners, 7) == std::vector{id(4), id(2), id(1)});
  CHECK(open_of(owners, 7, 2) == std::vector{id(4), id(2)});
  CHECK(owners.open_of(7, 1).front().idempotency_key == "key-4");
}

TEST_CASE("a session that became a caller's late is forgotten with its age, and not what came to it before") {
  ownership owners{3};
  owners.made(1, session(1));
  owners.made(2, session(2));
  owners.made(2, session(1));  // older than the one that it already had
  owners.made(1, session(3));
  owners.made(1, session(4));  // the first is forgotten
  CHECK(open_of(owners, 2) == std::vector{id(2)});
  CHECK(open_of(owners, 1) == std::vector{id(4), id(3)});
  owners.made(2, session(1));  // made anew
  CHECK(open_of(owners, 2) == std::vector{id(1)});
}

TEST_CASE("an expired session is not pending, and one that nobody remembers has not ended") {
  ownership owners;
  owners.made(1, session(1));
  owners.expired(id(1));
  owners.expired(id(2));
  CHECK(owners.ended(id(1)));
  CHECK_FALSE(owners.ended(id(2)));
  CHECK(open_of(owners, 1).empty());
}
