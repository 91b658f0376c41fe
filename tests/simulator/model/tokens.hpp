#pragma once

#include "simulator/model/entropy.hpp"
#include "simulator/model/message.hpp"
#include "simulator/model/settings.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

namespace simulator {

// What the answer says of the token's lifetime, which need not be true.
struct announced_lifetime {
  bool missing = false;
  std::optional<std::string> verbatim;  // this JSON value in place of the true one
};

// The OAuth 2.0 token endpoint (client credentials) and the memory of what it issued, after django-oauth-toolkit's
// manner. Every request makes a new token; older ones stay valid until they expire.
class tokens {
 public:
  explicit tokens(const settings& settings) : settings_{&settings} {}

  // Answers POST /oauth2/token/ and everything that nearly is one.
  response answer(const request& req, std::string_view path, wall_instant now, const entropy& source);

  bool accepts(const std::string& token, wall_instant now) const;
  std::size_t revoke_all();
  std::size_t revoke_newest();  // the one issued last: 1, or 0 where there is none
  std::size_t alive(wall_instant now) const;

  void announce(announced_lifetime announced) { announced_ = std::move(announced); }
  const announced_lifetime& announced() const noexcept { return announced_; }

 private:
  bool grant_is_understood(const request& req) const;
  bool knows_client(const request& req) const;
  std::string issue(wall_instant now, const entropy& source);

  const settings* settings_;
  announced_lifetime announced_;
  std::unordered_map<std::string, wall_instant> expiry_;
  std::deque<std::pair<wall_instant, std::string>> in_order_;  // of issue, which is the order of expiry too
};

}  // namespace simulator
