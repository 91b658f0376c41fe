#include "upstream/tunnel.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "upstream/exchange.hpp"

namespace gateway::upstream {
namespace {

// A proxy has little to say before the tunnel is open.
constexpr http::parse_limits limits{.head = 16 * 1024, .body = 64 * 1024};

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const auto size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string connect_request(const proxy& through, const std::string& authority) {
  auto request = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (!through.credentials.empty()) {
    auto encoded = base64(through.credentials.reveal());
    request += "Proxy-Authorization: Basic " + encoded + "\r\n";
    OPENSSL_cleanse(encoded.data(), encoded.size());
  }
  return request + "\r\n";
}

std::string fault_of(const exchange_result& result, const answer& got) {
  if (result.end != exchange_end::answered) return result.reason;
  if (got.head.status / 100 != 2) return "status " + std::to_string(got.head.status);
  if (got.surplus) return "it sends bytes of its own into the tunnel";
  return {};
}

}  // namespace

transport::task<std::expected<void, std::string>> open_tunnel(transport::loop& loop, transport::channel& connection,
                                                              const proxy& through, const target& where,
                                                              time::instant deadline) {
  const auto authority = place_of(where.host, where.port);
  auto request = connect_request(through, authority);
  answer got;
  const auto result = co_await exchange(loop, connection, request, limits, got, deadline, asking::tunnel);
  OPENSSL_cleanse(request.data(), request.size());
  if (const auto fault = fault_of(result, got); !fault.empty())
    co_return std::unexpected{"proxy " + place_of(through.host, through.port) + " opens no tunnel to " + authority +
                              ": " + fault};
  co_return std::expected<void, std::string>{};
}

}  // namespace gateway::upstream
