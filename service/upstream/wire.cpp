#include "upstream/wire.hpp"

#include <array>
#include <charconv>

namespace gateway::upstream {
namespace {

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_traceparent(std::string& out, std::string_view value) {
  if (value.empty()) return;
  out += "\r\ntraceparent: ";
  out += value;
}

// What comes behind "Authorization: Bearer ".
void end_head(std::string& out, std::string_view token, std::string_view traceparent) {
  out += token;
  append_traceparent(out, traceparent);
  out += "\r\n\r\n";
}

void end_with_body(std::string& out, std::string_view token, std::string_view traceparent, std::string_view body) {
  out += token;
  append_traceparent(out, traceparent);
  out += "\r\nContent-Length: ";
  append_number(out, body.size());
  out += "\r\n\r\n";
  out += body;
}

std::string common_lines(std::string_view host) {
  return "Host: " + std::string{host} + "\r\nUser-Agent: onboarding-gateway\r\nAccept: application/json\r\n";
}

}  // namespace

wire::wire(std::string_view host, std::string_view base_path) : base_path_{base_path} {
  const auto& base = base_path_;
  post_head_ = " HTTP/1.1\r\n" + common_lines(host) + "Content-Type: application/json\r\nAuthorization: Bearer ";
  create_head_ = "POST " + base + "/device-onboarding" + post_head_;
  read_line_ = "GET " + base + "/device-onboarding/";
  read_head_ = " HTTP/1.1\r\n" + common_lines(host) + "Authorization: Bearer ";
}

void wire::create_session(std::string& out, std::string_view token, std::string_view traceparent,
                          std::string_view body) const {
  out.clear();
  out.reserve(create_head_.size() + token.size() + body.size() + 128);
  out += create_head_;
  end_with_body(out, token, traceparent, body);
}

void wire::read_session(std::string& out, std::string_view token, std::string_view traceparent,
                        std::string_view session_id) const {
  out.clear();
  out += read_line_;
  out += session_id;
  out += read_head_;
  end_head(out, token, traceparent);
}

void wire::post(std::string& out, std::string_view token, std::string_view traceparent, std::string_view path,
                std::string_view body) const {
  out = "POST ";
  out += base_path_;
  out += path;
  out += post_head_;
  end_with_body(out, token, traceparent, body);
}

void wire::get(std::string& out, std::string_view token, std::string_view traceparent, std::string_view path) const {
  out = "GET ";
  out += base_path_;
  out += path;
  out += read_head_;
  end_head(out, token, traceparent);
}

std::string token_request(std::string_view host, std::string_view path, std::string_view authorization,
                          std::string_view content_type, std::string_view body) {
  std::string out = "POST ";
  out += path;
  out += " HTTP/1.1\r\n" + common_lines(host) + "Cache-Control: no-cache\r\nContent-Type: ";
  out += content_type;
  out += "\r\nAuthorization: ";
  out += authorization;
  out += "\r\nConnection: close\r\nContent-Length: ";
  append_number(out, body.size());
  out += "\r\n\r\n";
  out += body;
  return out;
}

}  // namespace gateway::upstream
