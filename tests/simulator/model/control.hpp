#pragma once

#include "simulator/model/podero.hpp"

#include <functional>
#include <string_view>

namespace simulator {

// The control endpoint: what a test does to the simulator, and what it asks about it. JSON over plain HTTP.
class control {
 public:
  explicit control(podero& upstream) : podero_{&upstream} {}

  response handle(const request& req);

  // Set by the server: closes the idle connections of the API listener and says how many.
  std::function<std::size_t(cut_kind)> close_idle_connections;

 private:
  response overview() const;
  response show_requests(std::string_view query) const;
  response show_busiest(std::string_view query) const;
  response show_sessions() const;
  response act_on_session(const request& req, std::string_view id, std::string_view action);
  response complete(const request& req, session& s);
  response revoke_tokens(const request& req);
  response announce_lifetime(const request& req);
  response close_connections(const request& req);
  response faults(const request& req);
  response remove_fault(const request& req, std::string_view id);
  response limits(const request& req);

  podero* podero_;
};

}  // namespace simulator
