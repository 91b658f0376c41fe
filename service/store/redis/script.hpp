#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/redis/command.hpp"

namespace gateway::store::redis {

// A Lua script and its SHA-1, by which the server knows it. Made once, at start; shared by threads.
class script {
 public:
  // `name` is for metrics, in place of EVALSHA. Throws std::runtime_error where OpenSSL has no SHA-1.
  script(std::string name, std::string source);

  const std::string& name() const noexcept { return name_; }
  const std::string& source() const noexcept { return source_; }
  const std::string& sha1() const noexcept { return sha1_; }  // 40 hexadecimal digits, small letters

 private:
  std::string name_;
  std::string source_;
  std::string sha1_;
};

// One call of a script. Owns keys and arguments; the script outlives it.
class script_call {
 public:
  using words = std::span<const std::string_view>;
  using listed = std::initializer_list<std::string_view>;

  script_call(const script& what, words keys, words arguments);
  script_call(const script& what, listed keys, listed arguments)
      : script_call{what, words{keys.begin(), keys.size()}, words{arguments.begin(), arguments.size()}} {}

  const script& what() const noexcept { return *script_; }
  command by_hash() const { return make("EVALSHA", script_->sha1()); }
  command by_source() const { return make("EVAL", script_->source()); }

 private:
  command make(std::string_view verb, std::string_view body) const;

  const script* script_;
  std::string count_;              // of the keys, in decimal
  std::string text_;               // keys and arguments, one after the other
  std::vector<std::size_t> ends_;  // where each ends in it
};

}  // namespace gateway::store::redis
