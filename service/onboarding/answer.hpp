#pragma once

#include "foundation/time/clock.hpp"
#include "onboarding/scratch.hpp"

#include <array>
#include <chrono>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::onboarding {

// The id of an onboarding session: a UUID in lower case, without an allocation.
class session_id {
 public:
  static std::optional<session_id> parse(std::string_view text) noexcept;  // nothing if it is no UUID

  std::string_view view() const noexcept { return {text_.data(), text_.size()}; }
  friend auto operator<=>(const session_id&, const session_id&) = default;

 private:
  std::array<char, 36> text_{};
};

enum class session_state : unsigned char { pending, completed, expired };
std::string_view to_string(session_state value) noexcept;

// How answers about sessions of one account are completed.
struct answer_policy {
  struct shortcut {
    std::string name;  // the member of connect_urls: "heat_pump"
    std::string path;  // "/heat-pumps"
  };
  // Where shortcuts lead and, if Podero names no authentication_url, the Connect UI itself; no slash at its end, no
  // query. Without it they lead to where the session's own authentication_url does: there is no built-in address, which
  // could send the end user of a sandbox session to production.
  std::optional<std::string> connect_base_url{};
  std::vector<shortcut> shortcuts{};
  std::chrono::minutes expiry_utc_offset = std::chrono::hours{3};
};

// The circumstances of one answer.
struct answer_context {
  time::wall_instant now;
  bool creation = false;                  // a read may lack authentication_url, a creation may not
  std::optional<session_id> asked_for{};  // of a read: an answer about another session is unusable
  bool reused = false;
  std::span<const std::string_view> defaulted{};  // JSON Pointers
};

struct session_facts {
  session_id id;
  session_state state = session_state::pending;
  std::optional<std::chrono::sys_seconds> expires_at;  // absent: Podero sent no date that can be read
  bool foreign_gateway_member = false;                 // Podero sent a member named `gateway`: dropped, to be counted
};

struct unusable_answer {
  std::string reason;                   // for people; holds nothing of the body
  std::optional<session_id> session{};  // that the body names all the same
};

// From Podero's answer about a session to ours: sets `out` to Podero's bytes, every member kept, with our member
// `gateway` appended inside the object. The answer must be one JSON object with an `id`, and for a creation an
// `authentication_url`. Allocates nothing in the steady state, but where Podero sends a member named `gateway` itself.
std::expected<session_facts, unusable_answer> compose_session(std::string_view upstream_body,
                                                              const answer_policy& policy,
                                                              const answer_context& context, scratch& memory,
                                                              std::string& out);

}  // namespace gateway::onboarding
