// What comes instead of a request, and targets that are none.
#include "flow/hostile/rows.hpp"

namespace gateway::flow::hostile {
namespace {

row refused(std::string what, std::string bytes) {
  return {std::move(what), std::move(bytes), 400, "malformed-request", closed};
}
row first_line(std::string what, std::string_view line) {
  return refused(std::move(what), std::string{line} + "\r\nHost: g\r\n" + authorization + "\r\n");
}
row bad_target(std::string what, std::string_view target) {
  return refused(std::move(what), get(target));
}
row nowhere(std::string what, std::string_view target) {
  return {std::move(what), get(target), 404, "not-found", lives};
}
row unserved(std::string what, std::string_view method, std::string_view target) {
  return {std::move(what), ask(method, target), 405, "method-not-allowed", lives};
}

}  // namespace

rows first_lines() {
  return {
      refused("words", "what is this?\r\n\r\n"),
      refused("a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s),
      refused("an SSL 2 handshake", "\x80\x2e\x01\x00\x02"s),
      refused("a PROXY line", "PROXY TCP4 192.0.2.1 192.0.2.2 40000 8080\r\n" + get("/v1/accounts")),
      refused("a PROXY header of version 2", "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"s),
      refused("HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"s),
      refused("an SSH banner", "SSH-2.0-OpenSSH_9.2\r\n"),
      refused("a mail", "HELO portal.example\r\n"),
      refused("a Redis command", "*1\r\n$4\r\nPING\r\n"),
      refused("JSON alone", "{\"language\":\"de\"}\r\n\r\n"),
      refused("an answer", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
      refused("NUL bytes", "\0\0\0\0"s),
      refused("bytes that are no text", "\xff\xfe\xfd"),
      refused("bare LFs instead of line ends", "GET /v1/accounts HTTP/1.1\nHost: g\n" + authorization + "\n"),
      refused("a bare LF behind the first line", "GET /v1/accounts HTTP/1.1\nHost: g\r\n" + authorization + "\r\n"),
      refused("a bare CR behind the first line", "GET /v1/accounts HTTP/1.1\rHost: g\r\n" + authorization + "\r\n"),
      first_line("HTTP/0.9", "GET /v1/accounts"),
      first_line("HTTP/2.0 in a first line", "GET /v1/accounts HTTP/2.0"),
      first_line("HTTP/1.2", "GET /v1/accounts HTTP/1.2"),
      first_line("http/1.1 in small letters", "GET /v1/accounts http/1.1"),
      first_line("HTTP/1.10", "GET /v1/accounts HTTP/1.10"),
      first_line("HTTP/01.1", "GET /v1/accounts HTTP/01.1"),
      first_line("HTTP/11", "GET /v1/accounts HTTP/11"),
      first_line("another protocol", "GET /v1/accounts ICY/1.1"),
      first_line("a space behind the version", "GET /v1/accounts HTTP/1.1 "),
      first_line("two spaces", "GET  /v1/accounts HTTP/1.1"),
      first_line("tabs instead of spaces", "GET\t/v1/accounts\tHTTP/1.1"),
      first_line("a space in front", " GET /v1/accounts HTTP/1.1"),
      first_line("no target", "GET  HTTP/1.1"),
      first_line("no method", "/v1/accounts HTTP/1.1"),
      first_line("a method with brackets", "G(E)T /v1/accounts HTTP/1.1"),
      first_line("a method with a colon", "Host: /v1/accounts HTTP/1.1"),
      first_line("a method that is not ASCII", "G\xc3\x89T /v1/accounts HTTP/1.1"),
      first_line("a method of 33 letters", std::string(33, 'A') + " /v1/accounts HTTP/1.1"),
  };
}

rows targets() {
  return {
      bad_target("a target without a slash", "v1/accounts"),
      bad_target("a target with a space", "/v1/accounts /x"),
      bad_target("a target with a backslash", "/v1\\accounts"),
      bad_target("a fragment", "/v1/accounts#top"),
      bad_target("a target in quotes", "\"/v1/accounts\""),
      bad_target("a target with angle brackets", "/v1/<accounts>"),
      bad_target("a target with a brace", "/v1/accounts/{account}"),
      bad_target("a target that is not ASCII", "/v1/acc\xc3\xb6unts"),
      bad_target("a target with a tab", "/v1/accounts\t"),
      bad_target("a target with a NUL", "/v1/accounts\0"s),
      bad_target("a target with DEL", "/v1/accounts\x7f"),
      bad_target("an escape without digits", "/v1/accounts/%"),
      bad_target("an escape with one digit", "/v1/accounts/%4"),
      bad_target("an escape that is not hexadecimal", "/v1/accounts/%zz"),
      bad_target("an escape in the style of a script", "/v1/accounts/%u0061"),
      bad_target("an escaped NUL", "/v1/accounts/sandbox%00"),
      bad_target("an escaped line end", "/v1/accounts/sandbox%0d%0aX-A:%201"),
      bad_target("a broken escape in the query", "/v1/accounts?a=%"),
      bad_target("an escaped line end in the query", "/v1/accounts?a=%0a"),
      bad_target("the asterisk with GET", "*"),
      bad_target("another scheme", "ftp://gateway.example/v1/accounts"),
      bad_target("a file", "file:///etc/passwd"),
      bad_target("a scheme without a host", "http:///v1/accounts"),
      bad_target("a scheme with one slash", "http:/v1/accounts"),
      bad_target("user info in the target", "http://user@gateway.example/v1/accounts"),
      bad_target("a port beyond 65535 in the target", "http://gateway.example:65536/v1/accounts"),
      bad_target("a port that is no number in the target", "http://gateway.example:8o/v1/accounts"),
      bad_target("a broken address in the target", "http://[::1/v1/accounts"),
      bad_target("an escaped host in the target", "http://gateway%2eexample/v1/accounts"),
      refused("CONNECT to a path", ask("CONNECT", "/v1/accounts")),
      {"CONNECT to a host", ask("CONNECT", "podero.test:443"), 405, "method-not-allowed", closed},
      {"a target of more than 8 KiB", get("/" + std::string(8 * 1024, 'a')), 414, "uri-too-long", closed},
      {"a target without end", "GET /" + std::string(10 * 1024, 'a'), 414, "uri-too-long", closed},
      nowhere("another path", "/v2/accounts"),
      nowhere("a path in capitals", "/V1/accounts"),
      nowhere("a slash behind a path", "/v1/accounts/"),
      nowhere("two slashes in front", "//v1/accounts"),
      nowhere("two slashes inside", "/v1//accounts"),
      nowhere("dots for this folder", "/v1/./accounts"),
      nowhere("dots to another account", "/v1/accounts/sandbox/../production"),
      nowhere("dots as an account", "/v1/accounts/.."),
      nowhere("escaped dots as an account", "/v1/accounts/%2e%2e"),
      nowhere("escaped dots and an escaped slash", "/v1/accounts/sandbox%2f%2e%2e%2fproduction"),
      nowhere("an escaped slash between account and sessions",
              "/v1/accounts/sandbox%2Fonboarding-sessions/497f6eca-6276-4993-bfeb-53cbbbba6f08"),
      nowhere("an account that is escaped twice", "/v1/accounts/s%2561ndbox"),
      nowhere("an account in capitals", "/v1/accounts/SANDBOX"),
      nowhere("an account with a parameter", "/v1/accounts/sandbox;a=b"),
      nowhere("an account with a space", "/v1/accounts/sandbox%20"),
      nowhere("an account that is not UTF-8", "/v1/accounts/%ff%fe"),
      nowhere("an overlong escape of a slash", "/v1/accounts/sandbox%c0%af"),
      nowhere("an id that is no UUID", sessions_path + "/1"),
      nowhere("an id of dots", sessions_path + "/%2e%2e"),
      nowhere("an id with a query of another", sessions_path + "/?id=497f6eca-6276-4993-bfeb-53cbbbba6f08"),
      nowhere("an id of a kilobyte", sessions_path + "/" + std::string(1024, 'a')),
      nowhere("a problem that is a path", "/problems/..%2fopenapi.json"),
      {"an account of others", get("/v1/accounts/production"), 403, "forbidden", lives},
      {"an account of others with an escape", get("/v1/accounts/pr%6Fduction"), 403, "forbidden", lives},
      {"an account of others in absolute form", get("http://gateway.example/v1/accounts/production"), 403, "forbidden",
       lives},
      unserved("a method nobody knows", "BREW", sessions_path),
      unserved("PUT", "PUT", sessions_path),
      unserved("PATCH", "PATCH", sessions_path),
      unserved("TRACE, which shows what a proxy added", "TRACE", "/v1/accounts"),
      unserved("GET where only POST is", "GET", sessions_path),
      unserved("a method in small letters", "get", "/v1/accounts"),
      unserved("DELETE of all accounts", "DELETE", "/v1/accounts"),
      unserved("a method of WebDAV", "PROPFIND", "/v1/accounts/sandbox"),
  };
}

}  // namespace gateway::flow::hostile
