#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/records.hpp"

namespace gateway::store {

// How records are written before they are sealed. What cannot be read gives nothing.
std::string written(const kept_answer& what);
std::optional<kept_answer> read_answer(std::string_view text);

std::string written(const live_session& what);
std::optional<live_session> read_live(std::string_view text);

}  // namespace gateway::store
