#pragma once

#include <string>
#include <string_view>

namespace gateway::upstream {

// Podero's requests as bytes. What is the same for every request of an account is laid out once; what goes out is
// an allow-list of our own header lines, never a copy of the caller's.
class wire {
 public:
  // `host`: the Host header, with the port where it is not the scheme's own. `base_path`: "/api/partners/v2.0", without
  // a slash at its end.
  wire(std::string_view host, std::string_view base_path);

  // Each replaces what is in `out` by one complete request, ready to be sent in one write. `traceparent`: our span of
  // the request; empty: it is part of no trace.
  void create_session(std::string& out, std::string_view token, std::string_view traceparent,
                      std::string_view body) const;
  void read_session(std::string& out, std::string_view token, std::string_view traceparent,
                    std::string_view session_id) const;
  // Of another resource: `path`, with its slash, below the base path.
  void post(std::string& out, std::string_view token, std::string_view traceparent, std::string_view path,
            std::string_view body) const;
  void get(std::string& out, std::string_view token, std::string_view traceparent, std::string_view path) const;

 private:
  std::string base_path_;
  std::string create_head_;
  std::string read_line_;
  std::string read_head_;
  std::string post_head_;
};

// A token request (RFC 6749 section 4.4.2) for `path`. The credentials are part of it: it is sent and forgotten.
std::string token_request(std::string_view host, std::string_view path, std::string_view authorization,
                          std::string_view content_type, std::string_view body);

}  // namespace gateway::upstream
