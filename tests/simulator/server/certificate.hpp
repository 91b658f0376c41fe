#pragma once
// X.509 certificates made in memory: the simulator's own, and for tests the good, expired, misnamed, self-signed and
// unknown ones. Keys are P-256, which takes a millisecond or two. Errors are std::runtime_error.

#include <chrono>
#include <string>
#include <vector>

namespace simulator {

// A certificate with its private key, both PEM.
struct identity {
  std::string certificate_pem;
  std::string key_pem;
};

struct validity {
  std::chrono::system_clock::time_point not_before = std::chrono::system_clock::now() - std::chrono::hours{1};
  std::chrono::system_clock::time_point not_after = std::chrono::system_clock::now() + std::chrono::days{30};
};

enum class usage { server, client };

struct leaf_wishes {
  std::vector<std::string> host_names{"localhost", "127.0.0.1",
                                      "::1"};  // DNS names and addresses; the first is the subject
  validity valid = {};
  usage used_by = usage::server;
  std::vector<std::string> uris = {};  // further alternative names
};

// A certification authority: what a client has to trust is its certificate_pem.
identity make_authority(const std::string& name = "Podero simulator CA", validity valid = {});

// An authority whose certificate is signed by another one.
identity make_intermediate(const identity& authority, const std::string& name, validity valid = {});

// A certificate signed by that authority.
identity make_certificate(const identity& authority, const leaf_wishes& wishes = {});

// A server certificate that vouches for itself.
identity make_self_signed(const leaf_wishes& wishes = {});

}  // namespace simulator
