#include "listener/postponed.hpp"

namespace gateway::listener {

void postponed::keep(const exchange& from, std::string came_behind_it) {
  request_id_ = from.request_id;
  began_ = from.began;
  facts_ = static_cast<const request_facts&>(from);
  method_ = from.head.method;
  version_ = from.head.version;
  keep_alive_ = from.head.keep_alive;
  following_ = std::move(came_behind_it);
}

void postponed::restore(exchange& into) {
  into.begin_request();
  into.head.fields.clear();
  into.head.body = http::framing::none;
  into.head.method = method_;
  into.head.version = version_;
  into.head.keep_alive = keep_alive_;
  into.request_id = request_id_;
  into.began = began_;
  static_cast<request_facts&>(into) = facts_;
  into.input = std::move(following_);
}

}  // namespace gateway::listener
