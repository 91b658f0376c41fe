#include "foundation/secrets/sha256.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>

namespace {

using gateway::secrets::sha256;

std::string hex(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const auto byte : sha256(text)) {
    out += digits[byte >> 4];
    out += digits[byte & 0xf];
  }
  return out;
}

// The examples of FIPS 180-4 that NIST publishes, and the empty text.
TEST_CASE("digests are those of the standard, in any order of calls") {
  for (int again = 0; again < 2; ++again) {
    CHECK(hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hex(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

TEST_CASE("each thread has its own state") {
  const auto expected = hex("abc");
  std::string other;
  std::thread{[&] {
    for (int i = 0; i < 1000; ++i) other = hex("abc");
  }}.join();
  for (int i = 0; i < 1000; ++i) CHECK(hex("abc") == expected);
  CHECK(other == expected);
}

}  // namespace
