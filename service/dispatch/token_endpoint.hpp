#pragma once

#include <string>

#include "token/keeper.hpp"
#include "upstream/target.hpp"

namespace gateway::dispatch {

// The way to a token endpoint: a fresh connection per request, since one is needed every few hours. No redirect is
// followed.
class token_endpoint final : public token::endpoint {
 public:
  struct place {
    upstream::target target;
    std::string host_header;
    std::string path;  // with its query; the trailing slash matters
    time::duration timeout = std::chrono::seconds{10};
    time::duration longest_pause = std::chrono::minutes{15};  // the most that a Retry-After is believed
  };

  token_endpoint(upstream::network net, place where) : net_{net}, place_{std::move(where)} {}

  transport::task<std::expected<reply, std::string>> ask(secrets::secret authorization, std::string_view content_type,
                                                         std::string_view body) override;

 private:
  upstream::network net_;
  place place_;
};

}  // namespace gateway::dispatch
