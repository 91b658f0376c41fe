// Header lines, and what they ask for.
#include "flow/hostile/rows.hpp"

namespace gateway::flow::hostile {
namespace {

row refused(std::string what, std::string bytes) {
  return {std::move(what), std::move(bytes), 400, "malformed-request", closed};
}
row bad_line(std::string what, std::string_view lines) {
  return refused(std::move(what), get("/v1/accounts", lines));
}
row bad_host(std::string what, std::string_view lines) {
  return refused(std::move(what), "GET /v1/accounts HTTP/1.1\r\n" + std::string{lines} + authorization + "\r\n");
}
row stranger(std::string what, std::string_view lines) {
  return {std::move(what), "GET /v1/accounts HTTP/1.1\r\nHost: g\r\n" + std::string{lines} + "\r\n", 401,
          "unauthenticated", lives};
}
row malformed(std::string what, std::string_view lines) {
  return {std::move(what), post(example_body, lines), 400, "malformed-request", lives};
}
row of_type(std::string what, std::string_view lines) {
  return {
      std::move(what),
      start("POST", sessions_path) + std::string{lines} + length_of(example_body) + "\r\n" + std::string{example_body},
      415, "unsupported-media-type", lives};
}
row not_acceptable(std::string what, std::string_view lines) {
  return {std::move(what), get("/v1/accounts", lines), 406, "not-acceptable", lives};
}
std::string many_lines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "X-" + std::to_string(i) + ": 1\r\n";
  return lines;
}

}  // namespace

rows headers() {
  return {
      bad_host("no Host", ""),
      bad_host("a Host under another name", "X-Host: g\r\n"),
      bad_host("two hosts", "Host: g\r\nHost: h\r\n"),
      bad_host("one host twice", "Host: g\r\nHost: g\r\n"),
      bad_host("two hosts in one line", "Host: g, h\r\n"),
      bad_host("two hosts with a space between", "Host: g h\r\n"),
      bad_host("a host with user info", "Host: user@g\r\n"),
      bad_host("a host with a path", "Host: g/v1\r\n"),
      bad_host("a host with a scheme", "Host: http://g\r\n"),
      bad_host("a host with a port beyond 65535", "Host: g:65536\r\n"),
      bad_host("a host with a port in words", "Host: g:http\r\n"),
      bad_host("a host with two ports", "Host: g:80:80\r\n"),
      bad_host("a port without a host", "Host: :8080\r\n"),
      bad_host("an address without its bracket", "Host: [::1\r\n"),
      bad_host("an address in brackets that is none", "Host: [::1::]\r\n"),
      bad_host("something behind an address", "Host: [::1].evil.example\r\n"),
      bad_host("a host that is not ASCII",
               "Host: b\xc3\xbc"
               "cher.example\r\n"),
      bad_host("a host with an escape", "Host: g%2eexample\r\n"),
      bad_host("a space before the colon of Host", "Host : g\r\n"),
      bad_host("a folded Host", "Host:\r\n g\r\n"),
      bad_host("a space before Host", " Host: g\r\n"),
      bad_line("a line without a colon", "X-A\r\n"),
      bad_line("a line without a name", ": 1\r\n"),
      bad_line("a name with a space", "X A: 1\r\n"),
      bad_line("a name in quotes", "\"X-A\": 1\r\n"),
      bad_line("a name with brackets", "X(A): 1\r\n"),
      bad_line("a name that is not ASCII", "X-\xc3\x84: 1\r\n"),
      bad_line("a name with a NUL", "X-\0: 1\r\n"s),
      bad_line("a value with a NUL", "X-A: 1\0\r\n"s),
      bad_line("a value with an escape sequence", "X-A: \x1b[2J\r\n"),
      bad_line("a value with DEL", "X-A: \x7f\r\n"),
      bad_line("a value with a bare CR", "X-A: 1\r2\r\n"),
      bad_line("a value with a bare LF", "X-A: 1\n2\r\n"),
      bad_line("a folded value", "X-A: 1\r\n 2\r\n"),
      bad_line("a value folded with a tab", "X-A: 1\r\n\t2\r\n"),
      bad_line("a line of nothing but blanks", " \r\n"),
      bad_line("a Connection that is no list", "Connection: close;close\r\n"),
      {"65 header lines", get("/v1/accounts", many_lines(63)), 431, "headers-too-large", closed},
      {"a header of more than 16 KiB", get("/v1/accounts", "X-A: " + std::string(16 * 1024, 'a') + "\r\n"), 431,
       "headers-too-large", closed},
      {"a header without end", start("GET", "/v1/accounts") + "X-A: " + std::string(17 * 1024, 'a'), 431,
       "headers-too-large", closed},
      {"thousands of header lines", start("GET", "/v1/accounts") + many_lines(4000), 431, "headers-too-large", closed},
  };
}

rows preconditions() {
  return {
      stranger("no key", ""),
      stranger("a key nobody has", "Authorization: Bearer example-key-of-nobody\r\n"),
      stranger("another scheme of keys", "Authorization: Basic YTpi\r\n"),
      stranger("a key without its scheme", "Authorization: " + std::string{key} + "\r\n"),
      stranger("a scheme without its key", "Authorization: Bearer\r\n"),
      stranger("two keys in one line", "Authorization: Bearer " + std::string{key} + ", Bearer x\r\n"),
      stranger("two words as a key", "Authorization: Bearer x " + std::string{key} + "\r\n"),
      stranger("a key in quotes", "Authorization: Bearer \"" + std::string{key} + "\"\r\n"),
      stranger("a key that is not ASCII", "Authorization: Bearer \xc3\xa4\r\n"),
      stranger("a key of 600 characters", "Authorization: Bearer " + std::string(600, 'k') + "\r\n"),
      stranger("a key in another header", "X-Authorization: Bearer " + std::string{key} + "\r\n"),
      {"no key, and chunks that nobody reads",
       "POST " + sessions_path + " HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
       401, "unauthenticated", closed},
      {"no key, and a body of which nobody says whether it comes",
       "POST " + sessions_path + " HTTP/1.1\r\nHost: g\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", 401,
       "unauthenticated", closed},
      {"no key, and a body of a megabyte",
       "POST " + sessions_path + " HTTP/1.1\r\nHost: g\r\nContent-Length: 1048576\r\n\r\n", 401, "unauthenticated",
       closed},
      {"another path, and a body of a megabyte", ask("POST", "/v2", "Content-Length: 1048576\r\n"), 404, "not-found",
       closed},
      malformed("a second key", "Authorization: Bearer x\r\n"),
      malformed("the same key twice", authorization),
      malformed("two content types", "Content-Type: text/plain\r\n"),
      malformed("the same content type twice", json_type),
      malformed("two idempotency keys", "Idempotency-Key: a\r\nIdempotency-Key: b\r\n"),
      malformed("the same idempotency key twice", "Idempotency-Key: a\r\nIdempotency-Key: a\r\n"),
      malformed("an idempotency key whose quotes do not end", "Idempotency-Key: \"a\r\n"),
      malformed("an idempotency key with quotes inside", "Idempotency-Key: a\"b\r\n"),
      malformed("something behind an idempotency key", "Idempotency-Key: \"a\" b\r\n"),
      malformed("an idempotency key with a parameter", "Idempotency-Key: \"a\";p=1\r\n"),
      malformed("an idempotency key with a bad escape", "Idempotency-Key: \"\\a\"\r\n"),
      malformed("an empty idempotency key", "Idempotency-Key:\r\n"),
      malformed("an idempotency key of nothing in quotes", "Idempotency-Key: \"\"\r\n"),
      malformed("an idempotency key of 256 characters", "Idempotency-Key: " + std::string(256, 'k') + "\r\n"),
      malformed("an idempotency key that is not ASCII", "Idempotency-Key: \xc3\xa4\r\n"),
      malformed("an idempotency key with a tab", "Idempotency-Key: a\tb\r\n"),
      {"an expectation nobody knows", get("/v1/accounts", "Expect: 200-ok\r\n"), 400, "malformed-request", lives},
      {"two expectations in a line", get("/v1/accounts", "Expect: 100-continue, x\r\n"), 400, "malformed-request",
       lives},
      {"two lines of expectations", get("/v1/accounts", "Expect: 100-continue\r\nExpect: x\r\n"), 400,
       "malformed-request", lives},
      not_acceptable("another type is wanted", "Accept: text/html\r\n"),
      not_acceptable("any type but JSON is wanted", "Accept: application/json;q=0, text/html\r\n"),
      not_acceptable("other types in two lines are wanted", "Accept: text/html\r\nAccept: text/plain\r\n"),
      of_type("no content type", ""),
      of_type("a content type of nothing", "Content-Type:\r\n"),
      of_type("text", "Content-Type: text/plain\r\n"),
      of_type("a form", "Content-Type: application/x-www-form-urlencoded\r\n"),
      of_type("something like JSON", "Content-Type: application/jsonx\r\n"),
      of_type("two content types in a line", "Content-Type: text/plain, application/json\r\n"),
      of_type("JSON in Latin 1", "Content-Type: application/json; charset=iso-8859-1\r\n"),
      of_type("JSON in UTF-16", "Content-Type: application/json;charset=\"utf-16\"\r\n"),
      of_type("a content type that is not ASCII", "Content-Type: application/js\xc3\xb6n\r\n"),
      of_type("a compressed body", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n"),
      of_type("a body compressed twice", "Content-Type: application/json\r\nContent-Encoding: br, gzip\r\n"),
      of_type("a second coding behind none",
              "Content-Type: application/json\r\nContent-Encoding: identity\r\nContent-Encoding: gzip\r\n"),
  };
}

}  // namespace gateway::flow::hostile
