// Bodies: JSON by the letter (RFC 8259, I-JSON), and where redirects may lead.
#include "flow/hostile/rows.hpp"

namespace gateway::flow::hostile {
namespace {

row malformed(std::string what, std::string_view body) {
  return {std::move(what), post(body), 400, "malformed-request", lives};
}
// As the value of an inner member, where nothing else is asked of it.
row inside(std::string what, std::string_view value) {
  return malformed(std::move(what), example_with("{", R"({"external_metadata":{"a":)" + std::string{value} + "},"));
}
row invalid(std::string what, std::string_view body) {
  return {std::move(what), post(body), 422, "validation-failed", lives};
}
row leads(std::string what, std::string_view url) {
  return invalid(std::move(what), example_with("https://my-customerportal.com/success", url));
}
std::string many_members(int count) {
  std::string members = "{";
  for (int i = 0; i < count; ++i) members += (i == 0 ? "\"m" : ",\"m") + std::to_string(i) + "\":0";
  return members + "}";
}

}  // namespace

rows documents() {
  const std::string example{example_body};
  return {
      malformed("no body", ""),
      malformed("blanks instead of a body", "   "),
      malformed("half a document", example.substr(0, example.size() / 2)),
      malformed("a document and more", example + "x"),
      malformed("two documents", example + example),
      malformed("a document and a NUL", example + "\0"s),
      malformed("a NUL in front", "\0"s + example),
      malformed("a byte order mark", "\xef\xbb\xbf" + example),
      malformed("UTF-16", "\xff\xfe{\0}\0"s),
      malformed("a list", "[" + example + "]"),
      malformed("a text", "\"text\""),
      malformed("a number", "1"),
      malformed("null", "null"),
      malformed("a form instead of JSON", "language=de"),
      malformed("XML", "<session/>"),
      malformed("a member twice", example_with("{", R"({"language":"en",)")),
      malformed("a member twice, once with an escape", example_with("{", R"({"l\u0061nguage":"en",)")),
      inside("a member twice inside", R"({"x":1,"x":2})"),
      inside("a member twice inside, once with an escape", R"({"x":1,"\u0078":2})"),
      malformed("a comma at the end", example_with("a1a5\"}", "a1a5\",}")),
      malformed("no comma", example_with(",\"price", "\"price")),
      malformed("no colon", example_with("\"language\":", "\"language\"")),
      malformed("single quotes", example_with("\"de\"", "'de'")),
      malformed("a name without quotes", example_with("\"language\"", "language")),
      malformed("a comment", example_with("{", "{/* de */")),
      malformed("a comment of one line", example_with("{", "{// de\n")),
      inside("NaN", "NaN"),
      inside("Infinity", "-Infinity"),
      inside("a number with a leading zero", "01"),
      inside("a number with a plus", "+1"),
      inside("a number without digits before the point", ".5"),
      inside("a number without digits after the point", "1."),
      inside("a hexadecimal number", "0x10"),
      inside("a minus alone", "-"),
      inside("a number beyond what a double holds", "1e400"),
      inside("a negative number beyond what a double holds", "-1e999"),
      inside("a number with an exponent beyond 64 bits", "1e99999999999999999999"),
      inside("a number of 400 digits", std::string(400, '9')),
      {"a number beyond what a double holds, with a key",
       post(example_with("{", R"({"external_metadata":{"a":1e400},)"), "Idempotency-Key: k\r\n"), 400,
       "malformed-request", lives},
      inside("a word in capitals", "TRUE"),
      inside("half a surrogate pair", R"("\ud800")"),
      inside("the second half of a surrogate pair", R"("\udc00")"),
      inside("the halves of a surrogate pair the wrong way round", R"("\udc00\ud800")"),
      inside("half a surrogate pair and a letter", R"("\ud800x")"),
      inside("half a surrogate pair in a name", R"({"\ud83d":1})"),
      inside("an escape that JSON has not", R"("\x41")"),
      inside("a short escape", R"("\u12")"),
      inside("a line end in a text", "\"a\nb\""),
      inside("a tab in a text", "\"a\tb\""),
      inside("a NUL in a text", "\"a\0b\""s),
      inside("a byte that no UTF-8 has", "\"\xff\""),
      inside("an overlong slash", "\"\xc0\xaf\""),
      inside("an overlong NUL", "\"\xe0\x80\x80\""),
      inside("a surrogate in UTF-8", "\"\xed\xa0\x80\""),
      inside("a character beyond Unicode", "\"\xf4\x90\x80\x80\""),
      inside("a character cut off", "\"\xe2\x82\""),
      inside("a byte that continues nothing", "\"\x80\""),
      inside("bad UTF-8 in a name", "{\"\xff\":1}"),
      inside("a nesting of a hundred", std::string(100, '[') + std::string(100, ']')),
      inside("a nesting without end", std::string(10000, '[')),
      inside("objects nested a hundred deep",
             [] {
               std::string deep;
               for (int i = 0; i < 100; ++i) deep += "{\"a\":";
               return deep + "1" + std::string(100, '}');
             }()),
      inside("two thousand members", many_members(2000)),
      inside("a thousand and one objects",
             [] {
               std::string list = "[{\"a\":1}";
               for (int i = 0; i < 1000; ++i) list += ",{\"a\":1}";
               return list + "]";
             }()),
      inside("a text of 20 KiB", "\"" + std::string(20 * 1024, 'x') + "\""),
      inside("a name of 20 KiB", "{\"" + std::string(20 * 1024, 'x') + "\":1}"),
      {"a body of more than 64 KiB", post(example + std::string(64 * 1024, ' ')), 413, "content-too-large", closed},
      {"a body of a terabyte", creation("Content-Length: 1099511627776\r\n"), 413, "content-too-large", closed},
      {"a body that is a byte too long", post(example + std::string(64 * 1024 + 1 - example.size(), ' ')), 413,
       "content-too-large", closed},
      invalid("an empty document", "{}"),
      invalid("a member nobody knows", example_with("{", R"({"admin":true,)")),
      invalid("a member in capitals", example_with("\"language\"", "\"LANGUAGE\"")),
      invalid("a member of a prototype", example_with("{", R"({"__proto__":{},)")),
      invalid("a text for a boolean", example_with("true", "\"true\"")),
      invalid("null for a text", example_with("\"de\"", "null")),
      invalid("a list for a text", example_with("\"de\"", "[\"de\"]")),
      invalid("a user that is a path", example_with("a169451c-8525-4352-b8ca-070dd449a1a5", "../../users")),
      invalid("a user with a NUL", example_with("a169451c-8525-4352-b8ca-070dd449a1a5", R"(a169451c\u0000)")),
      invalid("a language with a line end", example_with("\"de\"", R"("de\r\n")")),
  };
}

rows redirects() {
  return {
      leads("to a host that is not allowed", "https://evil.example/"),
      leads("to a host that ends like an allowed one", "https://evil-my-customerportal.com/"),
      leads("to a host that begins like an allowed one", "https://my-customerportal.com.evil.example/"),
      leads("to a host below one that is allowed by its name alone", "https://x.my-customerportal.com/"),
      leads("to the base of a wildcard", "https://portal.example/"),
      leads("to a host that ends like a wildcard", "https://evilportal.example/"),
      leads("past an at sign", "https://my-customerportal.com@evil.example/"),
      leads("past two at signs", "https://my-customerportal.com@a@evil.example/"),
      leads("with a user", "https://user@my-customerportal.com/"),
      leads("with a user and a word", "https://user:word@my-customerportal.com/"),
      leads("with nobody before the at sign", "https://@my-customerportal.com/"),
      leads("past a backslash", R"(https://evil.example\\@my-customerportal.com/)"),
      leads("with backslashes for slashes", R"(https:\\\\my-customerportal.com\\)"),
      leads("with a backslash behind the host", R"(https://my-customerportal.com\\.evil.example/)"),
      leads("past a number sign", "https://evil.example#@my-customerportal.com/"),
      leads("past a question mark", "https://evil.example?@my-customerportal.com/"),
      leads("past an escaped slash", "https://evil.example%2f.portal.example/"),
      leads("past an escaped number sign", "https://evil.example%23.portal.example/"),
      leads("past an escaped dot", "https://my-customerportal%2ecom/"),
      leads("past an escaped NUL", "https://my-customerportal.com%00.evil.example/"),
      leads("without encryption", "http://my-customerportal.com/"),
      leads("to a script", "javascript:alert(1)//my-customerportal.com/"),
      leads("to a document of its own", "data:text/html,x"),
      leads("to a file", "file:///etc/passwd"),
      leads("by FTP", "ftp://my-customerportal.com/"),
      leads("to an app", "portal://my-customerportal.com/"),
      leads("without a scheme", "//my-customerportal.com/"),
      leads("without a host", "https:///x"),
      leads("with one slash", "https:/my-customerportal.com/"),
      leads("without slashes", "https:my-customerportal.com"),
      leads("with three slashes", "https:///my-customerportal.com/"),
      leads("to a path", "/success"),
      leads("to nothing", ""),
      leads("to an address", "https://192.0.2.7/"),
      leads("to an address as one number", "https://3221225991/"),
      leads("to an address in hexadecimal", "https://0xc0000207/"),
      leads("to an address with a hexadecimal end", "https://192.0.2.0x7/"),
      leads("to an address in octal", "https://0300.0.2.07/"),
      leads("to an address and a name", "https://192.0.2.7.my-customerportal.com:443x/"),
      leads("to this machine", "https://127.0.0.1/"),
      leads("to this machine in IPv6", "https://[::1]/"),
      leads("to this machine by its name", "http://localhost/"),
      leads("to an address with a zone", "https://[fe80::1%25eth0]/"),
      leads("to an address of the future", "https://[v1.x]/"),
      leads("to a port of 0", "https://my-customerportal.com:0/"),
      leads("to a port beyond 65535", "https://my-customerportal.com:65979/"),
      leads("to a port in words", "https://my-customerportal.com:https/"),
      leads("to a host that is not ASCII", "https://my-customerportal.com\u3002evil.example/"),
      leads("to letters that look alike", "https://my-\u0441ustomerportal.com/"),
      leads("to a host with two dots", "https://my-customerportal..com/"),
      leads("to a host with two dots at its end", "https://my-customerportal.com../"),
      leads("to a host with a dot in front", "https://.my-customerportal.com/"),
      leads("to a host with a space", "https://my-customerportal.com .evil.example/"),
      leads("to a host with a comma", "https://my-customerportal.com,evil.example/"),
      leads("to a label of 64 letters", "https://" + std::string(64, 'a') + ".portal.example/"),
      leads("with a space in front", " https://my-customerportal.com/"),
      leads("with a tab in the scheme", R"(ht\ttps://my-customerportal.com/)"),
      leads("with a line end", R"(https://my-customerportal.com/\r\nX-A: 1)"),
      leads("with a NUL", R"(https://my-customerportal.com/\u0000)"),
      leads("with a broken escape", "https://my-customerportal.com/%zz"),
      leads("with angle brackets", "https://my-customerportal.com/<script>"),
      leads("with 8001 characters",
            "https://my-customerportal.com/" + std::string(8001 - sizeof "https://my-customerportal.com/" + 1, 'x')),
  };
}

rows stalls() {
  using namespace std::chrono_literals;
  return {
      {"a first line that does not go on", "GET /v1/acc", 408, "request-timeout", closed, 10s},
      {"a header that does not end", start("GET", "/v1/accounts"), 408, "request-timeout", closed, 10s},
      {"half a line end", "GET /v1/accounts HTTP/1.1\r", 408, "request-timeout", closed, 10s},
      {"a body that does not come", creation("Content-Length: 10\r\n") + "{", 408, "request-timeout", closed, 30s},
      {"a chunk that does not come", chunked("5\r\nhel"), 408, "request-timeout", closed, 30s},
      {"a chunk's size that does not end", chunked("5"), 408, "request-timeout", closed, 30s},
      {"a last chunk that does not come", chunked("5\r\nhello\r\n"), 408, "request-timeout", closed, 30s},
      {"trailers that do not end", chunked("0\r\nX-A: 1\r\n"), 408, "request-timeout", closed, 30s},
      {"a body that was asked for with 100", creation("Expect: 100-continue\r\nContent-Length: 5\r\n"), 408,
       "request-timeout", closed, 30s},
  };
}

}  // namespace gateway::flow::hostile
