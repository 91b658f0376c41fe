#pragma once
// Texts of the configuration to values and back. Errors are for people and quote the text. No I/O; any thread.

#include "settings/values.hpp"

#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace gateway::settings {

template <class T>
using parsed = std::expected<T, std::string>;

parsed<bool> parse_bool(std::string_view text);
parsed<std::uint64_t> parse_whole_number(std::string_view text);
parsed<double> parse_number(std::string_view text);

// "250ms", "5s", "15m", "24h": a whole number and one unit, the form that contract.md gives.
parsed<std::chrono::milliseconds> parse_duration(std::string_view text);

// "512B", "16KiB", "4MiB", "1GiB".
parsed<byte_size> parse_size(std::string_view text);

// "+03:00", "-05:30", "Z"; at most 14 hours either way, as on Earth.
parsed<utc_offset> parse_utc_offset(std::string_view text);

// Absolute, with scheme and host, without user info, query and fragment. Which schemes are good is the rule's business.
parsed<url> parse_url(std::string_view text);

parsed<boost::asio::ip::address> parse_address(std::string_view text);

// 64 hexadecimal digits.
parsed<key_digest> parse_digest(std::string_view text);

// HOST or HOST:PORT, and ADDRESS or ADDRESS:PORT; an IPv6 address with a port stands in brackets.
parsed<host_override> parse_override(std::string_view from, std::string_view to);

std::string show(bool value);
std::string show(std::uint64_t value);
std::string show(std::uint32_t value);
std::string show(std::uint16_t value);
std::string show(double value);
std::string show(std::chrono::milliseconds value);  // in the largest unit that divides it
std::string show(byte_size value);
std::string show(utc_offset value);
std::string show(const key_digest& value);
std::string show_from(const host_override& value);
std::string show_to(const host_override& value);

// The port that a scheme has on its own: http, https, redis and rediss.
std::optional<std::uint16_t> own_port(std::string_view scheme);

}  // namespace gateway::settings
