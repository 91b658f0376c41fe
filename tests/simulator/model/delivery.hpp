#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace simulator {

// What happens to a connection when a fault cuts it. close: FIN without TLS's farewell; reset: RST; stall: it stays
// open, and nothing is read or written any more.
enum class cut_kind : std::uint8_t { close, reset, stall };

struct cut {
  cut_kind kind = cut_kind::close;
  std::uint64_t after_bytes = 0;  // of plain text, head included
  friend bool operator==(const cut&, const cut&) = default;
};

enum class body_encoding : std::uint8_t { content_length, chunked, until_close };

struct pace {
  std::size_t bytes = 1;
  std::chrono::milliseconds every{100};
};

// What happens to the bytes of an answer on their way out. The default is an honest delivery.
struct delivery {
  std::chrono::milliseconds delay{0};                // before the first byte
  std::optional<cut> cut_after = {};                 // counted in bytes of the answer that were sent
  bool close_afterwards = false;                     // say Connection: close and do it
  bool close_unannounced = false;                    // close after the answer without having said so
  std::optional<std::string> garbage = {};           // these bytes instead of an answer
  std::vector<unsigned> informational = {};          // interim answers before the real one
  std::size_t head_padding = 0;                      // bytes of extra header fields
  std::uint64_t body_padding = 0;                    // bytes of spaces after the body, counted in Content-Length
  bool endless_body = false;                         // spaces for ever
  std::int64_t content_length_error = 0;             // added to the announced length
  std::optional<std::size_t> truncate_body_to = {};  // that many bytes of the body, then FIN
  std::optional<pace> slow_body = {};
  body_encoding encoding = body_encoding::content_length;
};

}  // namespace simulator
