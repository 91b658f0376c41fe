// Any lines as Idempotency-Key headers: at most one, of 1 to 255 printable characters, the same in quotes and without.
#include "listener/idempotency_key.hpp"
#include "fuzz/expect.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace {

using namespace gateway;
using fuzz::expect;

std::expected<bool, std::string> read(const std::vector<std::string>& values, std::string& into) {
  http::field_list fields;
  for (const auto& value : values) fields.add({http::field::unknown, "idempotency-KEY", value});
  return listener::read_idempotency_key(fields, into);
}

std::string quoted(std::string_view key) {
  std::string out = "\"";
  for (const char c : key) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

void check_key(const std::string& key) {
  expect(!key.empty() && key.size() <= 255, "a key has 1 to 255 characters");
  expect(std::ranges::all_of(key, [](char c) { return c >= ' ' && c <= '~'; }), "a key is printable");
  std::string again;
  const auto in_quotes = read({quoted(key)}, again);
  expect(in_quotes && *in_quotes && again == key, "a key in quotes is the same key");
  if (key.contains('"')) return;
  const auto bare = read({key}, again);
  expect(bare && *bare && again == key, "a key without quotes is the same key");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> values;
  auto rest = fuzz::text_of(data, size);
  while (!rest.empty() && values.size() < 3) values.emplace_back(fuzz::first_line(rest, rest));
  std::string key;
  const auto got = read(values, key);
  if (!got) {
    expect(!got.error().empty(), "what is wrong is said");
    return 0;
  }
  expect(*got == (values.size() == 1), "there is a key where there is one header, and two are refused");
  if (*got) check_key(key);
  return 0;
}
