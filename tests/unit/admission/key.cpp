#include "admission/key.hpp"

#include "settings/scalars.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace gateway;

namespace {

std::array<std::uint8_t, 32> counting() {
  std::array<std::uint8_t, 32> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

}  // namespace

TEST_CASE("A key is its prefix and the random bits in base64url") {
  const auto made = admission::make_key("customer-portal", counting());
  REQUIRE(made);
  CHECK(made->key.reveal() == "ogw_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
}

TEST_CASE("Bytes that base64 would write with + and / are written with - and _") {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(0xFF);
  const auto made = admission::make_key("a", bytes);
  REQUIRE(made);
  CHECK(made->key.reveal() == "ogw_" + std::string(42, '_') + "8");
}

TEST_CASE("The lines for the configuration hold the digest of the key and not the key") {
  const auto made = admission::make_key("customer-portal", counting());
  REQUIRE(made);
  CHECK(made->yaml == "callers:\n  customer-portal:\n    key_sha256: [ \"" +
                          settings::show(admission::digest_of("ogw_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")) +
                          "\" ]\n");
}

TEST_CASE("The digest is SHA-256") {
  CHECK(settings::show(admission::digest_of("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("A name that could not stand in the configuration gets no key") {
  CHECK(admission::make_key("two words", counting()).error() ==
        "\"two words\" is no usable name: up to 64 letters, digits, - and _, beginning with a letter or digit");
  CHECK_FALSE(admission::make_key("", counting()));
  CHECK_FALSE(admission::make_key("anonymous", counting()));
}
