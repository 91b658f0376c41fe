#pragma once

#include <boost/asio/ip/address.hpp>

#include "store/redis/place.hpp"

namespace gateway::support {

// Addresses, and localhost; nothing else is known.
inline store::redis::resolver literal_names() {
  return [](std::string host, std::uint16_t port, time::instant) -> transport::task<store::redis::addresses> {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
    if (error) co_return std::unexpected{std::string{"no such name"}};
    co_return std::vector{transport::endpoint{address, port}};
  };
}

}  // namespace gateway::support
