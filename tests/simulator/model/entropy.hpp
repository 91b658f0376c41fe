#pragma once

#include <functional>
#include <span>
#include <string>

namespace simulator {

// Fills the bytes with randomness; a test hands in a sequence it knows.
using entropy = std::function<void(std::span<unsigned char>)>;

std::string random_uuid(const entropy& source);                     // version 4, RFC 9562
std::string random_token(const entropy& source, std::size_t size);  // letters and digits

}  // namespace simulator
