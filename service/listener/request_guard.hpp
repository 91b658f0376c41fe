#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/errors/problem.hpp"

namespace gateway::listener {

struct guard_limits {
  std::size_t head = 16 * 1024;
  std::size_t target = 8 * 1024;
};

// Looks at the raw bytes of one complete head, with its empty line, before any parser interprets them, and refuses what
// two HTTP implementations may read differently (request smuggling; RFC 9112 sections 2.2,
// 3, 5.1, 5.2, 6.1, 6.3, 11.2): any Transfer-Encoding but exactly "chunked", one together with Content-Length or on
// HTTP/1.0, repeated or non-numeric Content-Length, not exactly one Host (HTTP/1.0 may have none) or one that is none,
// folded lines, white space before the colon, control characters, bare CR or LF, targets that are no URI. What it lets
// through, Beast's parser reads as we do. The connection is to be closed after a refusal.
std::optional<errors::failure> inspect_head(std::string_view head, const guard_limits& limits);

// Looks at the beginning of a head that is not complete yet: bytes that can never become a request, and what is too
// long already. `searched`: so many of the bytes were looked at before; so a head that comes byte by byte costs no more
// than one that comes at once.
std::optional<errors::failure> inspect_beginning(std::string_view bytes, const guard_limits& limits,
                                                 std::size_t searched = 0);

// The value of the first field of that name in a head that was refused or is not complete: as far as it has lines.
std::optional<std::string_view> find_field(std::string_view bytes, std::string_view name) noexcept;

}  // namespace gateway::listener
