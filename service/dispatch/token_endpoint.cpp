#include "dispatch/token_endpoint.hpp"

#include <openssl/crypto.h>

#include "dispatch/retry_after.hpp"
#include "upstream/exchange.hpp"
#include "upstream/wire.hpp"

namespace gateway::dispatch {
namespace {

constexpr http::parse_limits limits{.head = 16 * 1024, .body = 64 * 1024};

}  // namespace

transport::task<std::expected<token::endpoint::reply, std::string>> token_endpoint::ask(secrets::secret authorization,
                                                                                        std::string_view content_type,
                                                                                        std::string_view body) {
  const auto deadline = net_.loop.now() + place_.timeout;
  auto opened = co_await upstream::open_connection(net_, place_.target, deadline);
  if (!opened) co_return std::unexpected{std::move(opened.error())};
  auto request = upstream::token_request(place_.host_header, place_.path, authorization.reveal(), content_type, body);
  upstream::answer answer;
  auto result = co_await upstream::exchange(net_.loop, **opened, request, limits, answer, deadline);
  OPENSSL_cleanse(request.data(), request.size());
  (*opened)->finish();
  if (result.end != upstream::exchange_end::answered)
    co_return std::unexpected{"the token endpoint gave no answer: " + result.reason};
  reply got{answer.head.status, std::string{answer.body}, result.sent_at};
  const auto asked_for = answer.head.fields.get(http::field::retry_after);
  if (asked_for && (got.status == 429 || got.status == 503))
    got.retry_after = retry_after(*asked_for, net_.loop.clock().wall_now(), place_.longest_pause);
  // The token stands in these, and memory that is given back is not wiped.
  OPENSSL_cleanse(answer.received.data(), answer.received.size());
  OPENSSL_cleanse(answer.decoded.data(), answer.decoded.size());
  co_return got;
}

}  // namespace gateway::dispatch
