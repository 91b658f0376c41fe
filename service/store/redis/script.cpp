#include "store/redis/script.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace gateway::store::redis {
namespace {

std::string sha1_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
    throw std::runtime_error{"OpenSSL offers no SHA-1, by which Redis knows scripts"};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string shown;
  for (unsigned i = 0; i < size; ++i) {
    shown += digits[digest[i] >> 4U];
    shown += digits[digest[i] & 0xFU];
  }
  return shown;
}

}  // namespace

script::script(std::string name, std::string source)
    : name_{std::move(name)}, source_{std::move(source)}, sha1_{sha1_of(source_)} {}

script_call::script_call(const script& what, words keys, words arguments)
    : script_{&what}, count_{std::to_string(keys.size())} {
  ends_.reserve(keys.size() + arguments.size());
  for (const auto& some : {keys, arguments})
    for (const auto word : some) {
      text_ += word;
      ends_.push_back(text_.size());
    }
}

command script_call::make(std::string_view verb, std::string_view body) const {
  std::vector<std::string_view> all{verb, body, count_};
  all.reserve(all.size() + ends_.size());
  std::size_t begin = 0;
  for (const auto end : ends_) {
    all.push_back(std::string_view{text_}.substr(begin, end - begin));
    begin = end;
  }
  return command{all};
}

}  // namespace gateway::store::redis
