#include "simulator/model/wire_script.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace simulator {
namespace {

constexpr std::size_t padding_line = 1024;
constexpr std::size_t padding_block = 64 * 1024;

std::string hexadecimal(std::uint64_t value) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%llx", static_cast<unsigned long long>(value));
  return text.data();
}

std::string chunk_of(std::string_view bytes) {
  std::string out = hexadecimal(bytes.size());
  out += "\r\n";
  out += bytes;
  out += "\r\n";
  return out;
}

void append_field(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  head += value;
  head += "\r\n";
}

void append_status_line(std::string& head, unsigned status) {
  head += "HTTP/1.1 ";
  head += std::to_string(status);
  head += ' ';
  head += reason_phrase(status);
  head += "\r\n";
}

std::string head_of(const response& answer, bool keep_alive, bool bodyless) {
  const auto& how = answer.how;
  std::string head;
  head.reserve(256 + answer.body.size());
  append_status_line(head, answer.status);
  for (const auto& [name, value] : answer.headers) append_field(head, name, value);
  for (const auto& [name, value] : padding_fields(how.head_padding)) append_field(head, name, value);
  if (!bodyless && how.encoding == body_encoding::chunked) append_field(head, "Transfer-Encoding", "chunked");
  if (!forbids_body(answer.status) && how.encoding == body_encoding::content_length && !how.endless_body)
    append_field(head, "Content-Length", std::to_string(announced_length(answer)));
  if (!keep_alive) append_field(head, "Connection", "close");
  head += "\r\n";
  return head;
}

void append_paced(std::vector<step>& steps, std::string_view bytes, const pace& slow, bool chunked) {
  const auto portion = std::max<std::size_t>(1, slow.bytes);
  for (std::size_t at = 0; at < bytes.size(); at += portion) {
    const auto part = bytes.substr(at, portion);
    steps.push_back({.what = step::kind::wait, .duration = slow.every});
    steps.push_back({.bytes = chunked ? chunk_of(part) : std::string{part}});
  }
}

void append_padding_body(std::vector<step>& steps, const delivery& how, bool chunked) {
  const std::string block(padding_block, ' ');
  const auto wire = chunked ? chunk_of(block) : block;
  if (how.endless_body) {
    steps.push_back({.bytes = wire, .repeat = step::for_ever});
    return;
  }
  if (how.body_padding >= padding_block) steps.push_back({.bytes = wire, .repeat = how.body_padding / padding_block});
  if (const auto rest = how.body_padding % padding_block; rest > 0)
    steps.push_back({.bytes = chunked ? chunk_of(std::string(rest, ' ')) : std::string(rest, ' ')});
}

void append_body(std::vector<step>& steps, const response& answer) {
  const auto& how = answer.how;
  const bool chunked = how.encoding == body_encoding::chunked;
  std::string_view body = answer.body;
  if (how.truncate_body_to) body = body.substr(0, *how.truncate_body_to);
  if (how.slow_body)
    append_paced(steps, body, *how.slow_body, chunked);
  else if (!body.empty())
    steps.back().bytes += chunked ? chunk_of(body) : std::string{body};
  if (how.truncate_body_to) {
    steps.push_back({.what = step::kind::close});
    return;
  }
  if (how.endless_body || how.body_padding > 0) append_padding_body(steps, how, chunked);
  if (chunked) steps.push_back({.bytes = "0\r\n\r\n"});
}

step::kind kind_of(cut_kind kind) noexcept {
  switch (kind) {
    case cut_kind::close:
      return step::kind::close;
    case cut_kind::reset:
      return step::kind::reset;
    case cut_kind::stall:
      return step::kind::stall;
  }
  return step::kind::close;
}

// Keeps the first `after_bytes` bytes of what would be sent and ends there.
void apply_cut(std::vector<step>& steps, const cut& wanted) {
  std::uint64_t left = wanted.after_bytes;
  std::vector<step> kept;
  for (auto& s : steps) {
    if (s.what == step::kind::wait) {
      kept.push_back(std::move(s));
      continue;
    }
    if (s.what != step::kind::send || s.bytes.empty()) continue;
    const auto whole = std::min<std::uint64_t>(s.repeat, left / s.bytes.size());
    left -= whole * s.bytes.size();
    const bool all_of_it = whole == s.repeat;
    auto rest = all_of_it ? std::string{} : s.bytes.substr(0, static_cast<std::size_t>(left));
    if (whole > 0) kept.push_back({.bytes = std::move(s.bytes), .repeat = whole});
    if (all_of_it) continue;
    if (!rest.empty()) kept.push_back({.bytes = std::move(rest)});
    break;
  }
  kept.push_back({.what = kind_of(wanted.kind)});
  steps = std::move(kept);
}

// Neighbouring sends become one, so that an honest answer is one write.
void join_sends(std::vector<step>& steps) {
  std::vector<step> joined;
  for (auto& s : steps) {
    const bool plain = s.what == step::kind::send && s.repeat == 1;
    if (plain && !joined.empty() && joined.back().what == step::kind::send && joined.back().repeat == 1)
      joined.back().bytes += s.bytes;
    else
      joined.push_back(std::move(s));
  }
  steps = std::move(joined);
}

}  // namespace

wire_script make_script(const response& answer, wire_conditions conditions) {
  const auto& how = answer.how;
  const bool ends_the_connection = how.close_afterwards || how.encoding == body_encoding::until_close ||
                                   (how.endless_body && how.encoding != body_encoding::chunked);
  const bool keep_alive = conditions.keep_alive && !ends_the_connection;
  wire_script script{.steps = {}, .keep_alive = keep_alive && !how.close_unannounced};
  auto& steps = script.steps;
  if (how.delay.count() > 0) steps.push_back({.what = step::kind::wait, .duration = how.delay});
  if (how.garbage) {
    steps.push_back({.bytes = *how.garbage});
    script.keep_alive = false;
  } else {
    std::string interim;
    for (const auto status : how.informational) {
      append_status_line(interim, status);
      interim += "\r\n";
    }
    const bool bodyless = conditions.head_request || forbids_body(answer.status);
    steps.push_back({.bytes = interim + head_of(answer, keep_alive, bodyless)});
    if (!bodyless) append_body(steps, answer);
  }
  if (how.cut_after) apply_cut(steps, *how.cut_after);
  if (steps.size() > 1) join_sends(steps);
  return script;
}

bool forbids_body(unsigned status) noexcept {
  return status == 204 || status == 304 || status < 200;
}

// Many fields of a KiB each rather than one long one, since servers and clients limit both.
header_list padding_fields(std::size_t bytes) {
  header_list out;
  while (bytes > 0) {
    const auto& [name, value] =
        out.emplace_back("X-Padding-" + std::to_string(out.size()), std::string(std::min(bytes, padding_line), 'x'));
    bytes -= std::min(bytes, name.size() + value.size() + std::string_view{": \r\n"}.size());
  }
  return out;
}

std::uint64_t announced_length(const response& answer) noexcept {
  const auto honest = static_cast<std::int64_t>(answer.body.size() + answer.how.body_padding);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, honest + answer.how.content_length_error));
}

std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
    case 100:
      return "Continue";
    case 102:
      return "Processing";
    case 103:
      return "Early Hints";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

}  // namespace simulator
