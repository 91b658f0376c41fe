#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "foundation/errors/problem.hpp"
#include "onboarding/creation.hpp"

namespace gateway::onboarding {

// From a caller's body to what Podero gets: exactly its bytes, with the role `user` where it names none. Fails with
// malformed_request, or with validation_failed and EVERY fault. Our credentials are an administrator's, so no other
// role can be asked for.
std::expected<void, errors::failure> compose_user(std::string_view body, unknown_members policy, scratch& memory,
                                                  std::string& out);

// The id of the user that Podero's answer is about; the error, for people, holds nothing of the answer.
std::expected<std::string, std::string> read_user(std::string_view upstream_body, scratch& memory);

}  // namespace gateway::onboarding
