#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::errors {

// Every way in which the gateway says no (RFC 9457). The order is that of the table in problem.cpp.
enum class problem : std::uint8_t {
  malformed_request,
  idempotency_key_missing,
  unauthenticated,
  forbidden,
  upstream_forbidden,
  not_found,
  method_not_allowed,
  not_acceptable,
  request_timeout,
  idempotency_in_progress,
  upstream_conflict,
  content_too_large,
  uri_too_long,
  unsupported_media_type,
  validation_failed,
  idempotency_key_reused,
  rate_limited,
  no_free_slot,
  headers_too_large,
  internal_error,
  not_configured,
  upstream_error,
  upstream_unauthorized,
  overloaded,
  draining,
  upstream_unavailable,
  store_unavailable,
  upstream_timeout,
};

// What a request may have done at Podero.
enum class effect : std::uint8_t { none, unknown, created };

// What the caller should do next. automatic: what the problem's row says, and where the effect is not none, same_key.
enum class retry : std::uint8_t { automatic, never, later, same_key, operator_action };

// Which guard refused (contract: `decision`).
enum class guard : std::uint8_t { window, slot, caller, pause, queue, circuit, store, draining, overload };

std::string_view to_string(effect value) noexcept;
std::string_view to_string(retry value) noexcept;  // automatic has no text and gives ""
std::string_view to_string(guard value) noexcept;

struct problem_row {
  problem id;
  std::uint16_t status;
  std::string_view name;  // the last part of "/problems/NAME"
  std::string_view title;
  retry advice;
};

const problem_row& row(problem id) noexcept;
std::span<const problem_row> rows() noexcept;

// One fault of a request: a JSON Pointer in URI fragment form ("#/success_url"), a header or a parameter.
struct fault {
  enum class place : std::uint8_t { pointer, header, parameter };
  place where = place::pointer;
  std::string name;    // "#/success_url", "Idempotency-Key", "account"
  std::string code;    // stable, for programs: "missing", "wrong-type", ...
  std::string detail;  // for people
};

struct decision {
  errors::guard guard;
  std::string limit;        // which one: "sessions-10s"; empty: left out
  std::string state;        // for people: "open", "30 of 30 used"; empty: left out
  std::string admitted_at;  // RFC 3339 in UTC; empty: not known
};

// A refusal or failure on its way to the caller.
struct failure {
  problem id = problem::internal_error;
  std::string detail;
  errors::effect effect = errors::effect::none;
  retry advice = retry::automatic;
  std::optional<unsigned> upstream_status;
  std::vector<fault> faults;
  std::optional<errors::decision> decision;
  std::optional<std::chrono::seconds> retry_after;  // rounded up
  std::string extra_header;                         // "Allow: GET, POST", "WWW-Authenticate: Bearer"; no line end
};

// With the row's own status, advice and no effect.
failure failure_of(problem id, std::string detail);

// The advice that the caller sees: `automatic` resolved.
retry advice_of(const failure& f) noexcept;

// What the caller is told to wait: whoever is to come back later hears when, and where no instant is known, in a
// second.
std::optional<std::chrono::seconds> wait_of(const failure& f) noexcept;

// Where the id of a request comes from. Of our own it is known that it is a UUID in its canonical form, and reading it
// would be a twentieth of a refusal's work.
enum class id_origin : std::uint8_t { gateway, caller };

// The application/problem+json body, for a request id as the listener made or accepted it. `out` is replaced, and keeps
// its memory.
void render(const failure& f, std::string_view request_id, id_origin made_by, std::string& out);
// For one of a caller's.
std::string render(const failure& f, std::string_view request_id);

}  // namespace gateway::errors
