#include "store/redis/command.hpp"

#include <hiredis/hiredis.h>
#include <openssl/crypto.h>

#include <cassert>
#include <memory>
#include <new>
#include <vector>

namespace gateway::store::redis {

command::command(std::span<const std::string_view> words) {
  assert(!words.empty());
  name_ = words.front();
  std::vector<const char*> starts;
  std::vector<std::size_t> sizes;
  starts.reserve(words.size());
  sizes.reserve(words.size());
  for (const auto word : words) {
    starts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* formatted = nullptr;
  const int size = redisFormatCommandArgv(&formatted, static_cast<int>(words.size()), starts.data(), sizes.data());
  if (size < 0) throw std::bad_alloc{};
  const auto length = static_cast<std::size_t>(size);
  const auto wiped = [length](char* text) {
    OPENSSL_cleanse(text, length);  // there may be a password in it
    redisFreeCommand(text);
  };
  const std::unique_ptr<char, decltype(wiped)> owner{formatted, wiped};
  bytes_.assign(formatted, length);
}

void command::wipe() noexcept {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

}  // namespace gateway::store::redis
