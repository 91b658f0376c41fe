#include "simulator/model/fault_rule.hpp"

#include "simulator/model/calendar.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <span>

namespace simulator {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

// One member that may be written: what it has to be, for the error, and the function that takes it if it is.
template <class Target>
struct member {
  std::string_view name;
  std::string_view expects;
  bool (*read)(const json::value&, Target&);
};

bool read_count(const json::value& value, std::uint64_t least, std::uint64_t most, std::uint64_t& out) {
  boost::system::error_code error;
  const auto number = value.to_number<std::uint64_t>(error);
  if (error || !(value.is_int64() || value.is_uint64()) || number < least || number > most) return false;
  out = number;
  return true;
}

bool read_count(const json::value& value, std::uint64_t least, std::uint64_t most, std::optional<std::uint64_t>& out) {
  return read_count(value, least, most, out.emplace());
}

bool read_number(const json::value& value, double least, double most, double& out) {
  boost::system::error_code error;
  if (!value.is_number()) return false;
  out = value.to_number<double>(error);
  return !error && out >= least && out <= most;
}

bool read_flag(const json::value& value, bool& out) {
  if (!value.is_bool()) return false;
  out = value.get_bool();
  return true;
}

constexpr double longest_ms = 3'600'000;

// A number of milliseconds, or a text with its unit.
bool read_duration(const json::value& value, milliseconds& out) {
  if (value.is_string()) {
    const auto parsed = parse_duration(value.get_string());
    if (parsed) out = *parsed;
    return parsed.has_value();
  }
  double ms = 0;
  if (!read_number(value, 0, longest_ms, ms)) return false;
  out = milliseconds{static_cast<std::int64_t>(ms)};
  return true;
}

bool read_uniform(const json::value& value, latency& out) {
  if (!value.is_array() || value.get_array().size() != 2) return false;
  milliseconds from{};
  milliseconds to{};
  if (!read_duration(value.get_array()[0], from) || !read_duration(value.get_array()[1], to) || to < from) return false;
  out = uniform_latency{static_cast<double>(from.count()), static_cast<double>(to.count())};
  return true;
}

bool read_latency(const json::value& value, fault_action& out) {
  auto& wanted = out.latency.emplace();
  milliseconds span{};
  if (!value.is_object()) {
    if (!read_duration(value, span)) return false;
    wanted = fixed_latency{static_cast<double>(span.count())};
    return true;
  }
  const auto& members = value.get_object();
  if (members.size() != 1) return false;
  if (const auto* range = members.if_contains("uniform")) return read_uniform(*range, wanted);
  const auto* mean = members.if_contains("exponential");
  if (!mean || !read_duration(*mean, span)) return false;
  wanted = exponential_latency{static_cast<double>(span.count())};
  return true;
}

bool read_body(const json::value& value, fault_action& out) {
  const bool text = value.is_string();
  out.body = text ? std::string{value.get_string()} : json::serialize(value);
  out.content_type = text ? "text/plain; charset=utf-8" : "application/json";
  return true;
}

bool is_header_text(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

bool read_headers(const json::value& value, fault_action& out) {
  if (!value.is_object()) return false;
  for (const auto& [name, text] : value.get_object()) {
    if (!text.is_string() || name.empty() || !is_header_text(name) || !is_header_text(text.get_string())) return false;
    out.headers.emplace_back(name, text.get_string());
  }
  return true;
}

bool read_retry_after(const json::value& value, fault_action& out) {
  if (value.is_string() && is_header_text(value.get_string())) {
    out.retry_after = std::string{value.get_string()};
    return true;
  }
  std::uint64_t seconds = 0;
  if (read_count(value, 0, 1'000'000'000, seconds)) {
    out.retry_after = std::chrono::seconds{seconds};
    return true;
  }
  const auto* object = value.if_object();
  const auto* ahead = object && object->size() == 1 ? object->if_contains("date_in") : nullptr;
  if (!ahead || !ahead->is_int64()) return false;
  out.retry_after = date_in{std::chrono::seconds{ahead->get_int64()}};
  return true;
}

template <cut_kind kind>
bool read_arrival_cut(const json::value& value, fault_action& out) {
  return read_count(value, 0, 1ULL << 40U, out.on_arrival.emplace(cut{kind, 0}).after_bytes);
}

template <cut_kind kind>
bool read_answer_cut(const json::value& value, fault_action& out) {
  return read_count(value, 0, 1ULL << 40U, out.how.cut_after.emplace(cut{kind, 0}).after_bytes);
}

bool read_garbage(const json::value& value, fault_action& out) {
  if (value.is_string()) out.how.garbage = std::string{value.get_string()};
  if (value.is_bool() && value.get_bool())
    out.how.garbage = std::string{"\x16\x03\x01 this is not HTTP \xff\xfe\r\n\r\n"};
  return out.how.garbage.has_value();
}

bool read_informational(const json::value& value, fault_action& out) {
  const auto add = [&out](const json::value& one) {
    std::uint64_t status = 0;
    if (!read_count(one, 100, 199, status) || status == 101) return false;
    out.how.informational.push_back(static_cast<unsigned>(status));
    return true;
  };
  if (value.is_array()) return value.get_array().size() <= 1000 && std::ranges::all_of(value.get_array(), add);
  return add(value);
}

bool read_slow_body(const json::value& value, fault_action& out) {
  const auto* object = value.if_object();
  const auto* bytes = object ? object->if_contains("bytes") : nullptr;
  const auto* every = object ? object->if_contains("every") : nullptr;
  if (!bytes || !every || object->size() != 2) return false;
  auto& slow = out.how.slow_body.emplace();
  return read_count(*bytes, 1, 1ULL << 30U, slow.bytes) && read_duration(*every, slow.every);
}

bool read_encoding(const json::value& value, fault_action& out) {
  const auto name = value.is_string() ? std::string_view{value.get_string()} : std::string_view{};
  if (name == "content_length")
    out.how.encoding = body_encoding::content_length;
  else if (name == "chunked")
    out.how.encoding = body_encoding::chunked;
  else if (name == "until_close")
    out.how.encoding = body_encoding::until_close;
  else
    return false;
  return true;
}

bool read_handshake(const json::value& value, fault_action& out) {
  const auto name = value.is_string() ? std::string_view{value.get_string()} : std::string_view{};
  if (name == "reset")
    out.instead_of_handshake = cut_kind::reset;
  else if (name == "close")
    out.instead_of_handshake = cut_kind::close;
  else if (name == "stall")
    out.instead_of_handshake = cut_kind::stall;
  else
    return false;
  return true;
}

bool read_status(const json::value& value, fault_action& out) {
  std::uint64_t status = 0;
  if (!read_count(value, 200, 599, status)) return false;
  out.status = static_cast<unsigned>(status);
  return true;
}

bool read_length_error(const json::value& value, fault_action& out) {
  if (!value.is_int64()) return false;
  out.how.content_length_error = value.get_int64();
  return std::abs(out.how.content_length_error) <= (1LL << 40);
}

bool read_truncation(const json::value& value, fault_action& out) {
  std::uint64_t bytes = 0;
  if (!read_count(value, 0, 1ULL << 40U, bytes)) return false;
  out.how.truncate_body_to = bytes;
  return true;
}

template <std::uint64_t most_kib>
bool read_kib(const json::value& value, std::uint64_t& out) {
  if (!read_count(value, 1, most_kib, out)) return false;
  out *= 1024;
  return true;
}

constexpr std::string_view bytes_text = "a number of bytes";
constexpr std::string_view duration_text = "milliseconds, or a text such as \"250ms\" or \"5s\"";
constexpr std::string_view flag_text = "true or false";

constexpr std::array request_members{
    member<fault_action>{"latency", "a duration, {\"uniform\": [FROM, TO]} or {\"exponential\": MEAN}", read_latency},
    member<fault_action>{"status", "a status from 200 to 599", read_status},
    member<fault_action>{"after_work", flag_text, [](auto& v, auto& a) { return read_flag(v, a.after_work); }},
    member<fault_action>{"body", "a text or any JSON", read_body},
    member<fault_action>{"html", flag_text, [](auto& v, auto& a) { return read_flag(v, a.html); }},
    member<fault_action>{"headers", "an object of texts", read_headers},
    member<fault_action>{"retry_after", "seconds, {\"date_in\": SECONDS} or a text", read_retry_after},
    member<fault_action>{"reset_after_received", bytes_text, read_arrival_cut<cut_kind::reset>},
    member<fault_action>{"close_after_received", bytes_text, read_arrival_cut<cut_kind::close>},
    member<fault_action>{"stall_after_received", bytes_text, read_arrival_cut<cut_kind::stall>},
    member<fault_action>{"reset_after_sent", bytes_text, read_answer_cut<cut_kind::reset>},
    member<fault_action>{"close_after_sent", bytes_text, read_answer_cut<cut_kind::close>},
    member<fault_action>{"stall_after_sent", bytes_text, read_answer_cut<cut_kind::stall>},
    member<fault_action>{"truncate_body_to", bytes_text, read_truncation},
    member<fault_action>{"content_length_error", "a number of bytes, which may be negative", read_length_error},
    member<fault_action>{"garbage", "true or a text", read_garbage},
    member<fault_action>{"informational", "a status from 100 to 199 but 101, or a list of such", read_informational},
    member<fault_action>{"head_padding_kib", "KiB, at most 16384",
                         [](auto& v, auto& a) { return read_kib<16384>(v, a.how.head_padding); }},
    member<fault_action>{"body_padding_kib", "KiB, at most 16777216",
                         [](auto& v, auto& a) { return read_kib<16777216>(v, a.how.body_padding); }},
    member<fault_action>{"endless_body", flag_text, [](auto& v, auto& a) { return read_flag(v, a.how.endless_body); }},
    member<fault_action>{"slow_body", "{\"bytes\": N, \"every\": DURATION}", read_slow_body},
    member<fault_action>{"encoding", "\"content_length\", \"chunked\" or \"until_close\"", read_encoding},
    member<fault_action>{"close", flag_text, [](auto& v, auto& a) { return read_flag(v, a.how.close_afterwards); }},
    member<fault_action>{"close_unannounced", flag_text,
                         [](auto& v, auto& a) { return read_flag(v, a.how.close_unannounced); }},
};

constexpr std::array connection_members{
    member<fault_action>{"idle_timeout", duration_text,
                         [](auto& v, auto& a) { return read_duration(v, a.idle_timeout.emplace()); }},
    member<fault_action>{"max_requests", "a number from 1",
                         [](auto& v, auto& a) { return read_count(v, 1, 1ULL << 40U, a.max_requests); }},
    member<fault_action>{"announce_last", flag_text, [](auto& v, auto& a) { return read_flag(v, a.announce_last); }},
    member<fault_action>{"handshake_delay", duration_text,
                         [](auto& v, auto& a) { return read_duration(v, a.handshake_delay); }},
    member<fault_action>{"handshake", "\"reset\", \"close\" or \"stall\"", read_handshake},
};

bool read_operation(const json::value& value, fault_match& out) {
  const auto name = value.is_string() ? std::string_view{value.get_string()} : std::string_view{};
  out.connection = name == "connection";
  out.op = operation_named(name);
  return out.connection || out.op || name == "any";
}

constexpr std::array match_members{
    member<fault_match>{"operation", "token, create, read, users, devices, connect, other, any or connection",
                        read_operation},
    member<fault_match>{"nth", "a number from 1",
                        [](auto& v, auto& m) { return read_count(v, 1, 1ULL << 62U, m.nth); }},
    member<fault_match>{"every", "a number from 1",
                        [](auto& v, auto& m) { return read_count(v, 1, 1ULL << 62U, m.every); }},
    member<fault_match>{"times", "a number from 1",
                        [](auto& v, auto& m) { return read_count(v, 1, 1ULL << 62U, m.times); }},
    member<fault_match>{"probability", "a number from 0 to 1",
                        [](auto& v, auto& m) { return read_number(v, 0, 1, m.probability.emplace()); }},
    member<fault_match>{"seed", "a number", [](auto& v, auto& m) { return read_count(v, 0, 1ULL << 62U, m.seed); }},
};

template <class Target>
std::expected<void, std::string> read_members(std::string_view parent, const json::value& value,
                                              std::span<const member<Target>> known, Target& out) {
  if (!value.is_object()) return std::unexpected{std::string{parent} + " has to be an object"};
  for (const auto& [name, content] : value.get_object()) {
    const auto place = std::string{parent} + "." + std::string{name};
    const auto found = std::ranges::find(known, std::string_view{name}, &member<Target>::name);
    if (found == known.end()) return std::unexpected{place + " is not known here"};
    if (!found->read(content, out)) return std::unexpected{place + " has to be " + std::string{found->expects}};
  }
  return {};
}

std::expected<void, std::string> check_together(const fault_action& action) {
  if (action.after_work && !action.status) return std::unexpected{"action.after_work goes with action.status"};
  if (action.how.cut_after && action.how.truncate_body_to)
    return std::unexpected{"action.truncate_body_to and a cut after bytes sent exclude each other"};
  return {};
}

}  // namespace

std::expected<fault_rule, std::string> read_fault_rule(std::string_view text) {
  boost::system::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) return std::unexpected{"a rule has to be a JSON object with match and action"};
  const auto& members = value.get_object();
  for (const auto& [name, content] : members)
    if (name != "match" && name != "action") return std::unexpected{std::string{name} + " is not known here"};
  fault_rule rule;
  if (const auto* match = members.if_contains("match")) {
    const auto read = read_members<fault_match>("match", *match, match_members, rule.match);
    if (!read) return std::unexpected{read.error()};
  }
  const auto* action = members.if_contains("action");
  if (!action) return std::unexpected{"action is missing"};
  const auto read = rule.match.connection
                        ? read_members<fault_action>("action", *action, connection_members, rule.action)
                        : read_members<fault_action>("action", *action, request_members, rule.action);
  if (!read) return std::unexpected{read.error()};
  if (const auto together = check_together(rule.action); !together) return std::unexpected{together.error()};
  rule.text = json::serialize(value);
  return rule;
}

}  // namespace simulator
