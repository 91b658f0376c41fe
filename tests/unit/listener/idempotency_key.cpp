#include "listener/idempotency_key.hpp"

#include <doctest/doctest.h>

namespace {

using gateway::listener::read_idempotency_key;

// The key, or "!" and what is wrong with it, or "-".
std::string read(std::initializer_list<std::string_view> values) {
  gateway::http::field_list fields;
  for (const auto value : values) fields.add({.name = "idempotency-key", .value = value});
  std::string key;
  const auto got = read_idempotency_key(fields, key);
  if (!got) return "!" + got.error();
  return *got ? key : "-";
}

TEST_CASE("a key in quotes and its bare characters are the same key") {
  CHECK(read({R"("8e03978e-40d5-43dd-bc93-6894a57f9324")"}) == "8e03978e-40d5-43dd-bc93-6894a57f9324");
  CHECK(read({"8e03978e-40d5-43dd-bc93-6894a57f9324"}) == "8e03978e-40d5-43dd-bc93-6894a57f9324");
  CHECK(read({R"("a \"b\" \\ c")"}) == R"(a "b" \ c)");
  CHECK(read({R"(a;b=c)"}) == "a;b=c");
  CHECK(read({}) == "-");
}

TEST_CASE("what is no key is refused") {
  for (const auto* bad :
       {R"("")", "", R"("k)", R"(k")", R"("k"x)", R"("k";a=1)", R"("k\n")", "\"k\\", "k\x7f", "\xc3\xa9"}) {
    CAPTURE(std::string{bad});
    CHECK(read({bad}).starts_with("!"));
  }
  CHECK(read({"k", "k"}).starts_with("!"));
}

TEST_CASE("a key has at most 255 characters, without its quotes") {
  const std::string most(255, 'k');
  CHECK(read({most}) == most);
  const auto quoted = '"' + most + '"';
  CHECK(read({quoted}) == most);
  const auto more = most + "k";
  CHECK(read({more}).starts_with("!"));
}

}  // namespace
