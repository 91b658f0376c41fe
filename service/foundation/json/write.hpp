#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gateway::json {

// Appends `text`, which is UTF-8, as a JSON string with its quotes.
void append_string(std::string& out, std::string_view text);

// Appends `"name":`.
void append_name(std::string& out, std::string_view name);

// The longest beginning of UTF-8 `text` that has at most `bytes` bytes and ends between two characters.
std::string_view cut(std::string_view text, std::size_t bytes) noexcept;

// The same, with "..." in place of what was cut off.
std::string shorten(std::string_view text, std::size_t bytes);

// Appends `name` as a further step of a JSON Pointer (RFC 6901 section 3): "/a~1b".
void append_pointer_step(std::string& out, std::string_view name);

// The JSON Pointer to the outermost member `name`, as a URI fragment (RFC 6901 section 6): "#/success_url".
std::string fragment_pointer(std::string_view name);

// Appends one more step to such a fragment.
void append_fragment_step(std::string& out, std::string_view name);

}  // namespace gateway::json
