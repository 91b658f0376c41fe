#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "foundation/secrets/secret.hpp"
#include "foundation/time/clock.hpp"

namespace gateway::token {

// How the body of a token request is written. OAuth servers take form (RFC 6749 section 4.4.2); Podero documents JSON.
enum class encoding : std::uint8_t { json, form };

struct credentials {
  std::string client_id;
  secrets::secret client_secret;
};

// The value of the Authorization header: id and secret form-urlencoded BEFORE base64 (RFC 6749 section 2.3.1).
secrets::secret basic_authorization(const credentials& of);

std::string_view request_body(encoding how) noexcept;
std::string_view content_type(encoding how) noexcept;

// What a token endpoint answered, as one of the three things it can mean.
struct granted {
  secrets::secret token;
  // Positive; absent where the answer has none.
  std::optional<time::duration> lifetime;
};
struct refused {  // our credentials or our configuration: asking again at once does not help
  std::string reason;
};
struct unusable {  // the endpoint is not well: asking again later may help
  std::string reason;
};
using answer = std::variant<granted, refused, unusable>;

// Never fails: whatever came is one of the three. The reasons are for people and hold nothing of the credentials.
answer read_answer(unsigned status, std::string_view body, encoding asked_in);

}  // namespace gateway::token
