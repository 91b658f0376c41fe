#include "listener/postponed.hpp"

namespace gateway::listener {

void postponed::keep(const exchange& from, std::string came_behind_it) {
  request_id_ = from.request_id;
  began_ = from.began;
  trace_ = from.trace;
  session_ = from.session;
  route_ = from.route;
  pattern_ = from.pattern;
  caller_ = from.caller;
  account_ = from.account;
  route_number_ = from.route_number;
  account_number_ = from.account_number;
  caller_number_ = from.caller_number;
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
  into.trace = trace_;
  into.session = session_;
  into.route = route_;
  into.pattern = pattern_;
  into.caller = caller_;
  into.account = account_;
  into.route_number = route_number_;
  into.account_number = account_number_;
  into.caller_number = caller_number_;
  into.input = std::move(following_);
}

}  // namespace gateway::listener
