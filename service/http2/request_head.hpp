#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gateway::http2 {

// The parts of a request that HTTP/2 has elsewhere than among the fields.
struct request_parts {
  std::string_view method;
  std::string_view content;
};

// Reads a complete request of our own, as HTTP/1.1 has it, and writes its fields as HTTP/2 has them (RFC 9113, section
// 8.3): all but :method and :scheme, which go before them. Each as a literal that nobody may put into a table (RFC
// 7541, section 6.2.3): tokens are among them, and what is in no table cannot be guessed at by the length of what is
// sent. Not in Huffman's code either: that made a head a third shorter, and took 8,000 instructions of 23,000 that
// HTTP/2 costs a creation (callgrind). Nothing: it is no such request.
std::optional<request_parts> write_fields(std::string_view request, std::string& into);

}  // namespace gateway::http2
