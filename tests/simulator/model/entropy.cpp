#include "simulator/model/entropy.hpp"

#include <array>
#include <string_view>

namespace simulator {

std::string random_uuid(const entropy& source) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<unsigned char, 16> bytes{};
  source(bytes);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += digits[bytes[i] >> 4U];
    out += digits[bytes[i] & 0x0FU];
  }
  return out;
}

std::string random_token(const entropy& source, std::size_t size) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::size_t unbiased = 256 - 256 % alphabet.size();  // above it, the first letters would come more often
  std::string out;
  out.reserve(size);
  std::array<unsigned char, 32> bytes{};
  while (out.size() < size) {
    source(bytes);
    for (const auto byte : bytes)
      if (byte < unbiased && out.size() < size) out += alphabet[byte % alphabet.size()];
  }
  return out;
}

}  // namespace simulator
