#pragma once

#include "simulator/model/message.hpp"
#include "simulator/model/sessions.hpp"

#include <expected>
#include <string>
#include <string_view>

namespace simulator {

struct user_wishes {
  std::string role;
  std::string email;
  std::string external_user_id;
};

// The body of a creation. Where it is wrong: the finished answer, 422 with EVERY fault in Pydantic's style, or 400
// where it is no JSON. Members that are not known are ignored.
std::expected<session_wishes, response> read_session_wishes(std::string_view body);

std::expected<user_wishes, response> read_user_wishes(std::string_view body);

// 422 for a path parameter that has to be a UUID and is none; nothing where it is one.
std::expected<void, response> check_path_uuid(std::string_view name, std::string_view value);

// {"detail": "..."}
response detail(unsigned status, std::string_view text);

response json_answer(unsigned status, std::string body);

}  // namespace simulator
