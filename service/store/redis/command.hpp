#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace gateway::store::redis {

// One command as it goes over the wire. Words may hold any bytes.
class command {
 public:
  explicit command(std::span<const std::string_view> words);
  command(std::initializer_list<std::string_view> words) : command{std::span{words.begin(), words.size()}} {}

  // Its first word, for metrics: from our code, so one of a fixed set.
  const std::string& name() const noexcept { return name_; }
  std::string_view bytes() const noexcept { return bytes_; }
  // Overwrites the bytes: of a command that held a password.
  void wipe() noexcept;

 private:
  std::string name_;
  std::string bytes_;
};

}  // namespace gateway::store::redis
