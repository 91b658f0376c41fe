#pragma once
// The types of single values in the configuration.

#include "foundation/secrets/secret.hpp"

#include <boost/asio/ip/address.hpp>

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <string>

namespace gateway::settings {

struct byte_size {
  std::uint64_t bytes = 0;
  friend auto operator<=>(const byte_size&, const byte_size&) = default;
};

constexpr byte_size kibibytes(std::uint64_t n) {
  return {n * 1024};
}
constexpr byte_size mebibytes(std::uint64_t n) {
  return {n * 1024 * 1024};
}

// East of Greenwich is positive: "+03:00" is 180 minutes.
struct utc_offset {
  std::chrono::minutes value{0};
  friend auto operator<=>(const utc_offset&, const utc_offset&) = default;
};

// An absolute URL without user info, query and fragment.
struct url {
  std::string scheme;      // lower case
  std::string host;        // lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;  // always filled in
  std::string path;        // as written; may be empty

  bool empty() const noexcept { return host.empty(); }
  std::string authority() const;  // host, and the port where it is not the scheme's own: what a Host header carries
  std::string origin() const;     // scheme://authority
  std::string text() const;       // origin and path
  friend bool operator==(const url&, const url&) = default;
};

// A secret, and where it can be read again: mounted secrets change by a symlink swap while we run.
struct secret_value {
  secrets::secret content;
  std::filesystem::path file;  // empty: given in the configuration itself, so it cannot change without a reload

  bool empty() const noexcept { return content.empty() && file.empty(); }
};

// Like curl --resolve. Port 0: any port is meant, and the port stays.
struct host_override {
  std::string host;  // lower case
  std::uint16_t port = 0;
  boost::asio::ip::address address;
  std::uint16_t to_port = 0;
  friend bool operator==(const host_override&, const host_override&) = default;
};

// The SHA-256 of a caller's key. Keys have 256 random bits, so a plain hash is enough: nothing to guess.
using key_digest = std::array<std::uint8_t, 32>;

// Number of event loops; 0 is `auto` (see threads.hpp).
struct thread_setting {
  std::uint32_t count = 0;
  bool is_auto() const noexcept { return count == 0; }
};

}  // namespace gateway::settings
