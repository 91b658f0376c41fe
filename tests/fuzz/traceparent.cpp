// Any text as traceparent: taken only where Trace Context (section 3.2) says so, and written so that it reads the same.
#include "foundation/trace/request_id.hpp"
#include "foundation/trace/trace.hpp"
#include "fuzz/expect.hpp"

#include <algorithm>
#include <string>

namespace {

using namespace gateway;
using fuzz::expect;

bool hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return std::string_view{"0123456789abcdef"}.contains(c); });
}

// The grammar once more, part by part.
bool is_traceparent(std::string_view text) {
  const auto part = [&](std::size_t at, std::size_t size) { return text.substr(std::min(at, text.size()), size); };
  if (text.size() < 55 || part(2, 1) != "-" || part(35, 1) != "-" || part(52, 1) != "-") return false;
  if (!hex(part(0, 2)) || !hex(part(3, 32)) || !hex(part(36, 16)) || !hex(part(53, 2))) return false;
  if (part(0, 2) == "ff" || part(3, 32) == std::string(32, '0') || part(36, 16) == std::string(16, '0')) return false;
  return text.size() == 55 || (part(0, 2) != "00" && text[55] == '-');
}

std::string text_of(const trace::context& what) {
  const auto text = render(what);
  return {text.data(), text.size()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  random::seeded_source randomness{size};
  const auto got = trace::parse_traceparent(text);
  expect(got.has_value() == is_traceparent(text), "it is taken where the grammar says so");

  const auto used = trace::continue_or_start(text, randomness);
  expect(is_traceparent(text_of(used)), "what goes on is a traceparent");
  expect(trace::parse_traceparent(text_of(used)) == used, "what is written reads the same");
  if (got) {
    expect(used == *got && used.trace() == text.substr(3, 32), "a trace goes on under its id");
    expect(text_of(used).ends_with(used.sampled ? "-01" : "-00"), "no flag but sampled goes on");
  }
  const auto below = child(used, randomness);
  expect(below.trace() == used.trace(), "a child is of the same trace");
  // Where the span came with the text libFuzzer finds out the one that will be drawn.
  if (!got) expect(below.span() != used.span(), "a child has a span of its own");

  const auto id = trace::keep_or_make(text, randomness);
  expect(trace::sane_request_id(id.view()), "an id of a request is sane");
  expect((id.view() == text) == trace::sane_request_id(text), "a sane id is kept, another is not");
  return 0;
}
