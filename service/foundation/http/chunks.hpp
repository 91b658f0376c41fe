#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace gateway::http {

enum class chunk_error : std::uint8_t { malformed, body_too_large };

// A chunked body, decoded (RFC 9112 section 7.1). By the letter: a line ends with CRLF and holds no other control
// character, the size is 1 to 16 hexadecimal digits, extensions follow their grammar and mean nothing here, trailers
// are dropped unless they would change the framing, which is refused. Two readers that disagree about where a chunk
// ends is what request smuggling is made of. One per message.
class chunk_reader {
 public:
  // The most of everything that is not content: what chunks of one byte need, or one signature per chunk of a common
  // size, and no more.
  static constexpr std::size_t most_overhead = 16 * 1024;
  static constexpr std::size_t overhead_per_byte = 8;
  static constexpr std::size_t longest_line = 4 * 1024;

  // The most content; what is collected already counts.
  void limit(std::size_t bytes) noexcept { limit_ = bytes; }

  // Takes bytes of the body and appends its content to `body`. Returns how many were taken; the rest must be offered
  // again together with more.
  std::expected<std::size_t, chunk_error> read(std::string_view bytes, std::string& body);
  // The last chunk and the trailers are through; nothing more is taken.
  bool finished() const noexcept { return next_ == part::nothing; }

 private:
  enum class part : std::uint8_t { size, content, content_end, trailer, nothing };
  enum class step : std::uint8_t { taken, needs_more, malformed, too_large };

  step read_part(std::string_view& rest, std::string& body);
  step read_size(std::string_view& rest, std::size_t collected);
  step read_content(std::string_view& rest, std::string& body);
  step read_content_end(std::string_view& rest);
  step read_trailer(std::string_view& rest);
  // The next line, without its end.
  step take_line(std::string_view& rest, std::string_view& line);

  part next_ = part::size;
  std::uint64_t left_ = 0;  // of the present chunk
  std::size_t limit_ = 0;
  std::size_t content_ = 0;
  std::size_t overhead_ = 0;
};

}  // namespace gateway::http
