// Any lines as Prefer headers: read as one list (RFC 7240, section 2), the first of a name counts, and what stands in
// quotes is no preference.
#include "fuzz/expect.hpp"
#include "listener/negotiation.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace gateway;
using fuzz::expect;

listener::preferences read(const std::vector<std::string>& lines) {
  http::field_list fields;
  for (const auto& line : lines) fields.add({http::field::unknown, "Prefer", line});
  return listener::read_preferences(fields);
}

bool same(const listener::preferences& a, const listener::preferences& b) {
  return a.wait == b.wait && a.reuse == b.reuse;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

void check_meaning(const std::vector<std::string>& lines) {
  const auto got = read(lines);
  std::string joined;
  for (const auto& line : lines) joined += (joined.empty() ? "" : ", ") + line;
  const bool quoted = joined.contains('"');
  if (!quoted) expect(same(got, read({joined})), "several lines are one list");
  if (!quoted)
    expect(same(got, read({" \t,, respond-async ;a=b", joined})), "what we do not understand changes nothing");

  auto before = lines;
  before.insert(before.begin(), R"(x="wait=1, reuse=no; wait=2, \", wait=3, reuse=no")");
  expect(same(got, read(before)), "what stands in quotes is no preference");
  before.front() = "wait=17, reuse=no";
  const auto first = read(before);
  expect(first.wait == std::chrono::seconds{17} && !first.reuse, "the first of a name counts");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> lines;
  auto rest = fuzz::text_of(data, size);
  while (!rest.empty() && lines.size() < 8) lines.emplace_back(fuzz::first_line(rest, rest));
  check_meaning(lines);

  const auto got = read(lines);
  if (got.wait) expect(got.wait->count() >= 0, "nobody waits for less than nothing");
  // The plainest form, read with nothing of the parser.
  if (lines.size() == 1 && lines[0].starts_with("wait=") && is_token(lines[0].substr(5))) {
    unsigned seconds = 0;
    const auto value = std::string_view{lines[0]}.substr(5);
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    const bool number = error == std::errc{} && end == value.data() + value.size();
    expect(got.wait.has_value() == number, "a wait is a number of seconds");
    if (number) expect(got.wait->count() == seconds, "a wait is as long as it says");
  }
  return 0;
}
