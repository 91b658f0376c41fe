#pragma once
// HTTP/1.1 requests read once more, by nothing but RFC 9112 and with nothing of the service or of Beast: what the guard
// lets pass must mean this and nothing else.

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway::fuzz {

struct plain_head {
  std::string_view method;
  std::string_view target;
  std::string_view version;
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  bool chunked = false;
  std::uint64_t length = 0;
  bool close = false;
  bool keep_alive = false;
};

inline std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

inline std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

inline void note_connection(plain_head& head, std::string_view options) {
  for (;;) {
    const auto comma = options.find(',');
    const auto option = lower(without_blanks(options.substr(0, comma)));
    head.close = head.close || option == "close";
    head.keep_alive = head.keep_alive || option == "keep-alive";
    if (comma == std::string_view::npos) return;
    options.remove_prefix(comma + 1);
  }
}

// `text` is one head with its empty line. Nothing: it is none.
inline std::optional<plain_head> read_plain_head(std::string_view text) {
  plain_head head;
  bool first = true;
  for (;;) {
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (line.empty()) break;
    if (std::exchange(first, false)) {
      const auto one = line.find(' ');
      const auto two = line.find(' ', one + 1);
      if (one == std::string_view::npos || two == std::string_view::npos) return std::nullopt;
      head.method = line.substr(0, one);
      head.target = line.substr(one + 1, two - one - 1);
      head.version = line.substr(two + 1);
      continue;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto value = without_blanks(line.substr(colon + 1));
    head.fields.emplace_back(line.substr(0, colon), value);
    const auto name = lower(line.substr(0, colon));
    if (name == "transfer-encoding") head.chunked = true;
    if (name == "content-length") std::from_chars(value.data(), value.data() + value.size(), head.length);
    if (name == "connection") note_connection(head, value);
  }
  if (first || !text.empty()) return std::nullopt;
  return head;
}

// The content of a chunked body (RFC 9112 section 7.1), taken off with its trailers. Nothing: it does not end here.
inline std::optional<std::string> take_plain_chunks(std::string_view& bytes) {
  auto rest = bytes;
  std::string content;
  for (;;) {
    const auto end = rest.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    std::uint64_t size = 0;
    if (std::from_chars(rest.data(), rest.data() + end, size, 16).ec != std::errc{}) return std::nullopt;
    rest.remove_prefix(end + 2);
    if (size == 0) break;
    if (size > rest.size() || rest.substr(static_cast<std::size_t>(size), 2) != "\r\n") return std::nullopt;
    content += rest.substr(0, static_cast<std::size_t>(size));
    rest.remove_prefix(static_cast<std::size_t>(size) + 2);
  }
  for (;;) {
    const auto end = rest.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(end + 2);
    if (end == 0) break;
  }
  bytes = rest;
  return content;
}

struct plain_request {
  std::string method;
  std::string target;
  std::string body;
};

// The requests that stand in `bytes` one after the other, up to the first that is not complete or cannot be read.
inline std::vector<plain_request> read_plain_requests(std::string_view bytes) {
  std::vector<plain_request> all;
  for (;;) {
    while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);  // section 2.2
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return all;
    const auto head = read_plain_head(bytes.substr(0, end + 4));
    if (!head) return all;
    bytes.remove_prefix(end + 4);
    plain_request one{std::string{head->method}, std::string{head->target}, {}};
    if (head->chunked) {
      auto content = take_plain_chunks(bytes);
      if (!content) return all;
      one.body = std::move(*content);
    } else {
      if (head->length > bytes.size()) return all;
      one.body = bytes.substr(0, static_cast<std::size_t>(head->length));
      bytes.remove_prefix(static_cast<std::size_t>(head->length));
    }
    all.push_back(std::move(one));
  }
}

}  // namespace gateway::fuzz
