#pragma once

#include <boost/beast/http/verb.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace gateway::listener {

enum class route_id : std::uint8_t {
  none,
  create_session,
  create_batch,
  read_session,
  give_back_slot,
  list_accounts,
  show_account,
  create_user,
  list_devices,
  read_device,
  openapi,
  problem_page
};

struct route {
  route_id id;
  boost::beast::http::verb method;
  std::string_view pattern;  // "{...}" stands for one segment
  std::string_view name;     // for logs and metrics
  bool needs_caller;
};

// What a request's path leads to.
struct routing {
  const listener::route* route = nullptr;  // none: no such path, or not with this method
  std::string_view account;                // the {account} segment
  std::string_view item;                   // the other {...} segment
  std::string_view devices;                // the {devices} segment: a type of them
  std::string_view device;                 // the {device_id} segment
  std::string allow;                       // the methods of a path that exists, where the method is another
};

// HEAD is served like GET. `path` as request_target.hpp reads it; the result points into it.
routing find_route(boost::beast::http::verb method, std::string_view path);

// The methods of all paths, as in Allow: what OPTIONS * is answered.
std::string all_methods();

}  // namespace gateway::listener
