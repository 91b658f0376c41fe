#include "store/redis/trouble.hpp"

#include <algorithm>
#include <array>

namespace gateway::store::redis {
namespace {

struct row {
  std::string_view code;
  redis::meaning meaning;
};

constexpr std::array table{
    // The server cannot do it at present.
    row{"OOM", {.retryable = true}},         // maxmemory is reached, and nothing may be evicted
    row{"MISCONF", {.retryable = true}},     // it cannot write its snapshots, so it takes no writes
    row{"NOREPLICAS", {.retryable = true}},  // fewer replicas than min-replicas-to-write
    row{"BUSY", {.retryable = true}},        // a script has been running for too long
    // It is the wrong one, or not there yet.
    row{"READONLY", {.retryable = true, .drops_connection = true}},  // a replica: its master is, or will be, elsewhere
    row{"LOADING", {.retryable = true, .drops_connection = true}},   // it has just started and reads its data
    row{"MASTERDOWN", {.retryable = true, .drops_connection = true}},  // a replica without its master
    // It does not want us. A new connection brings a new password along.
    row{"NOAUTH", {.drops_connection = true, .misconfigured = true}},
    row{"WRONGPASS", {.drops_connection = true, .misconfigured = true}},
    row{"NOPERM", {.misconfigured = true}},                            // the ACL forbids this command or key
    row{"DENIED", {.drops_connection = true, .misconfigured = true}},  // protected mode
    // A cluster.
    row{"MOVED", {.misconfigured = true}},
    row{"ASK", {.misconfigured = true}},
    row{"CROSSSLOT", {.misconfigured = true}},
    row{"CLUSTERDOWN", {.misconfigured = true}},
    row{"TRYAGAIN", {.misconfigured = true}},
};

// Of "CODE text" the CODE: capitals only, else the server has given none.
std::string_view first_word(std::string_view text) noexcept {
  const auto word = text.substr(0, text.find(' '));
  const bool is_code = !word.empty() && word.size() <= 32 &&
                       std::ranges::all_of(word, [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
  return is_code ? word : std::string_view{};
}

// Before Redis 7 an error within a script arrives wrapped: "ERR Error running script (...): ...: -READONLY You ...".
std::string_view code_of(std::string_view text) noexcept {
  const auto outer = first_word(text);
  if (!text.starts_with("ERR Error running script")) return outer;
  const auto inner = text.find(": -");
  if (inner == std::string_view::npos) return outer;
  const auto code = first_word(text.substr(inner + 3));
  return code.empty() ? outer : code;
}

}  // namespace

meaning meaning_of(std::string_view code) noexcept {
  const auto* found = std::ranges::find(table, code, &row::code);
  return found == table.end() ? meaning{} : found->meaning;
}

bool is_unknown_script(const outcome& what) noexcept {
  return !what && what.error().what == trouble::kind::error && what.error().code == "NOSCRIPT";
}

trouble trouble_of_error(std::string_view text) {
  const std::string_view code = code_of(text);
  // Of a command that it does not know, Redis repeats the arguments: of a renamed AUTH the password.
  const auto said = text.substr(0, text.find(", with args"));
  return {.what = trouble::kind::error,
          .written = true,
          .code = std::string{code.empty() ? "ERR" : code},
          .reason = std::string{said}};
}

std::string_view to_string(trouble::kind what) noexcept {
  switch (what) {
    case trouble::kind::unreachable:
      return "unreachable";
    case trouble::kind::timed_out:
      return "timed_out";
    case trouble::kind::lost:
      return "lost";
    case trouble::kind::error:
      return "error";
  }
  return "error";
}

}  // namespace gateway::store::redis
