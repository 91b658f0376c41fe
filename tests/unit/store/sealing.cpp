#include "store/sealing.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

namespace {

using namespace gateway;
using store::sealing;

struct sealed_fixture {
  random::seeded_source randomness{7};
  sealing subject{secrets::secret{"example-secret-not-real"}, "records"};
  std::string sealed = subject.seal("an answer", "a name", randomness);
};

TEST_CASE_FIXTURE(sealed_fixture, "what is sealed is read again under its name, and nothing of it is seen") {
  CHECK(subject.unseal(sealed, "a name") == "an answer");
  CHECK_FALSE(sealed.contains("answer"));
  CHECK(sealed.size() == 9 + 1 + 12 + 16);
  CHECK(subject.unseal(subject.seal("", "n", randomness), "n") == "");
  CHECK(subject.unseal(subject.seal(std::string(100'000, 'x'), "", randomness), "") == std::string(100'000, 'x'));
}

TEST_CASE_FIXTURE(sealed_fixture, "the same is never sealed the same way") {
  CHECK(subject.seal("an answer", "a name", randomness) != sealed);
}

TEST_CASE_FIXTURE(sealed_fixture, "what was changed in any bit of any byte is not read") {
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      CAPTURE(at);
      auto changed = sealed;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      CHECK_FALSE(subject.unseal(changed, "a name").has_value());
    }
  }
}

TEST_CASE_FIXTURE(sealed_fixture, "what was cut or made longer is not read") {
  for (std::size_t size = 0; size < sealed.size(); ++size)
    CHECK_FALSE(subject.unseal(std::string_view{sealed}.substr(0, size), "a name").has_value());
  CHECK_FALSE(subject.unseal(sealed + '\0', "a name").has_value());
}

TEST_CASE_FIXTURE(sealed_fixture, "it is read under no other name, with no other secret and for no other purpose") {
  CHECK_FALSE(subject.unseal(sealed, "another name").has_value());
  CHECK_FALSE(subject.unseal(sealed, "").has_value());
  const sealing other{secrets::secret{"example-rotated-not-real"}, "records"};
  CHECK_FALSE(other.unseal(sealed, "a name").has_value());
  const sealing elsewhere{secrets::secret{"example-secret-not-real"}, "token"};
  CHECK_FALSE(elsewhere.unseal(sealed, "a name").has_value());
  const sealing same{secrets::secret{"example-secret-not-real"}, "records"};
  CHECK(same.unseal(sealed, "a name") == "an answer");
}

TEST_CASE_FIXTURE(sealed_fixture,
                  "fingerprints and hidden names differ by secret and by purpose, and are the same anew") {
  const sealing same{secrets::secret{"example-secret-not-real"}, "records"};
  const sealing other{secrets::secret{"example-rotated-not-real"}, "records"};
  const sealing elsewhere{secrets::secret{"example-secret-not-real"}, "token"};
  CHECK(subject.fingerprint().size() == 16);
  CHECK(same.fingerprint() == subject.fingerprint());
  CHECK(other.fingerprint() != subject.fingerprint());
  CHECK(elsewhere.fingerprint() != subject.fingerprint());
  CHECK(subject.hidden("k").size() == 64);
  CHECK(same.hidden("k") == subject.hidden("k"));
  CHECK(other.hidden("k") != subject.hidden("k"));
  CHECK(subject.hidden("k2") != subject.hidden("k"));
}

TEST_CASE("keys are what HKDF-SHA256 gives for the fixed texts") {
  // Computed by hand with openssl kdf: what one version of the gateway sealed the next one has to read.
  const sealing subject{secrets::secret{"example-secret-not-real"}, "records"};
  CHECK(subject.fingerprint() == "9362c3b2c6861d6d");
}

TEST_CASE("without a secret there is no key") {
  CHECK_THROWS_AS((sealing{secrets::secret{}, "records"}), std::runtime_error);
}

}  // namespace
