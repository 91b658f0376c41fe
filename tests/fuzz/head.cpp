// Any bytes as a request's head. What the request guard lets pass, Beast's parser reads as RFC 9112 says or refuses,
// and no refusal depends on how the bytes were cut.
#include "foundation/http/parser.hpp"
#include "fuzz/expect.hpp"
#include "fuzz/plain_reading.hpp"
#include "listener/request_guard.hpp"

#include <algorithm>

namespace {

using namespace gateway;
using fuzz::expect;

// Small, so that they are reached.
constexpr listener::guard_limits limits{.head = 2048, .target = 256};

void check_fields(const http::request_head& read, const fuzz::plain_head& plain) {
  const auto fields = read.fields.all();
  expect(fields.size() == plain.fields.size(), "every header line is one field");
  for (std::size_t i = 0; i < fields.size(); ++i) {
    expect(fields[i].name == plain.fields[i].first, "a field has the name of its line");
    expect(fields[i].value == plain.fields[i].second, "a field has the value of its line");
  }
  const auto hosts = read.fields.count(http::field::host);
  expect(hosts == 1 || (hosts == 0 && read.version == 10), "there is one Host, and none in HTTP/1.0 only");
}

void check_framing(const http::request_head& read, const fuzz::plain_head& plain) {
  const auto framing = plain.chunked      ? http::framing::chunked
                       : plain.length > 0 ? http::framing::length
                                          : http::framing::none;
  expect(read.body == framing, "the body is framed as the head says");
  expect(read.content_length == plain.length, "the body is as long as the head says");
  const bool persistent = !plain.close && (plain.version == "HTTP/1.1" || plain.keep_alive);
  // Beast also listens to Proxy-Connection, which nobody should send.
  if (!read.fields.get("Proxy-Connection"))
    expect(read.keep_alive == persistent, "the connection is kept as the head says");
}

void check_cuts(std::string_view head) {
  const auto step = std::max<std::size_t>(1, head.size() / 64);
  for (std::size_t cut = 1; cut < head.size(); cut += step) {
    expect(!inspect_beginning(head.substr(0, cut), limits), "the beginning of a good head is no fault");
    expect(!http::end_of_head(head.substr(0, cut), 0), "a head has one end");
    expect(http::end_of_head(head, cut) == head.size(), "the end is found wherever the search went on");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::text_of(data, size);
  const auto end = http::end_of_head(bytes, 0);
  if (!end) {
    (void)inspect_beginning(bytes, limits);
    return 0;
  }
  const auto head = bytes.substr(0, *end);
  if (inspect_head(head, limits)) return 0;
  check_cuts(head);

  const auto plain = fuzz::read_plain_head(head);
  expect(plain.has_value(), "what the guard lets pass is a head");
  expect(!(plain->chunked &&
           std::ranges::any_of(plain->fields, [](const auto& f) { return fuzz::lower(f.first) == "content-length"; })),
         "a chunked body has no length");

  http::request_head read;
  http::request_parser parser{{.head = limits.head, .body = 0}, read};
  const auto parsed = parser.read_head(head);
  if (!parsed) {
    if (parsed.error() == http::parse_error::too_many_fields)
      expect(plain->fields.size() > http::field_list::capacity, "only too many fields are too many");
    return 0;
  }
  expect(read.method_text == plain->method, "the method is the first word");
  expect(read.target == plain->target, "the target is the second word");
  expect((read.version == 11 ? "HTTP/1.1" : "HTTP/1.0") == plain->version, "the version is the third word");
  check_fields(read, *plain);
  check_framing(read, *plain);
  return 0;
}
