#include "settings/suggestion.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace gateway::settings;

TEST_CASE("The distance counts insertions, deletions, replacements and swaps") {
  CHECK(edit_distance("pool", "pool") == 0);
  CHECK(edit_distance("pol", "pool") == 1);
  CHECK(edit_distance("poool", "pool") == 1);
  CHECK(edit_distance("ppol", "pool") == 1);
  CHECK(edit_distance("opol", "pool") == 1);
  CHECK(edit_distance("", "pool") == 4);
  CHECK(edit_distance("Max-Age", "max_age") == 0);
}

TEST_CASE("A near word is suggested, and a far one gets the list") {
  constexpr std::array<std::string_view, 3> known{"max_connections", "idle_timeout", "max_age"};
  CHECK(hint("max_conections", known) == " (did you mean max_connections?)");
  CHECK(hint("idleTimeout", known) == " (did you mean idle_timeout?)");
  CHECK(hint("colour", known) == " (known here: max_connections, idle_timeout, max_age)");
  CHECK(hint("anything", {}) == "");
  CHECK(nearest(std::string(10'000, 'x'), known) == std::nullopt);
}
