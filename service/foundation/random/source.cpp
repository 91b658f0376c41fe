#include "foundation/random/source.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <stdexcept>

namespace gateway::random {
namespace {

void ask_openssl(std::span<std::byte> into) {
  constexpr std::size_t most = std::numeric_limits<int>::max();
  while (!into.empty()) {
    const auto piece = into.first(std::min(into.size(), most));
    if (RAND_bytes(reinterpret_cast<unsigned char*>(piece.data()), static_cast<int>(piece.size())) != 1) {
      throw std::runtime_error{"OpenSSL has no random bytes"};
    }
    into = into.subspan(piece.size());
  }
}

time::duration scaled(time::duration length, double by) {
  return time::duration{static_cast<time::duration::rep>(static_cast<double>(length.count()) * by)};
}

}  // namespace

std::uint64_t source::next() {
  std::array<std::byte, sizeof(std::uint64_t)> bytes{};
  fill(bytes);
  return std::bit_cast<std::uint64_t>(bytes);
}

double source::uniform() {
  return static_cast<double>(next() >> 11) * 0x1p-53;
}

system_source::~system_source() {
  OPENSSL_cleanse(pool_, pool_size);
}

void system_source::fill(std::span<std::byte> into) {
  if (into.size() > pool_size) return ask_openssl(into);
  if (into.size() > left_) {
    left_ = 0;  // in case of a throw
    ask_openssl(pool_);
    left_ = pool_size;
  }
  const std::span<std::byte> given{pool_ + pool_size - left_, into.size()};
  std::ranges::copy(given, into.begin());
  if (!given.empty()) OPENSSL_cleanse(given.data(), given.size());
  left_ -= given.size();
}

void seeded_source::fill(std::span<std::byte> into) {
  while (!into.empty()) {
    auto word = engine_();
    const std::size_t count = std::min(into.size(), sizeof(word));
    for (std::size_t i = 0; i < count; ++i, word >>= 8) into[i] = static_cast<std::byte>(word & 0xff);
    into = into.subspan(count);
  }
}

time::duration equal_jitter(source& from, time::duration full) {
  if (full <= time::duration::zero()) return time::duration::zero();
  return full / 2 + scaled(full - full / 2, from.uniform());
}

time::duration around(source& from, time::duration middle, double fraction) {
  return scaled(middle, 1 + std::clamp(fraction, 0.0, 1.0) * (2 * from.uniform() - 1));
}

}  // namespace gateway::random
