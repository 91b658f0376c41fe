#pragma once

#include "simulator/model/entropy.hpp"
#include "simulator/model/fault_board.hpp"
#include "simulator/model/households.hpp"
#include "simulator/model/ledger.hpp"
#include "simulator/model/message.hpp"
#include "simulator/model/sessions.hpp"
#include "simulator/model/settings.hpp"
#include "simulator/model/tokens.hpp"
#include "simulator/model/windows.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace simulator {

// The faults drawn for one request before its body has arrived.
struct exchange {
  operation op = operation::other;
  fault_effects faults = {};
  // Break off once that many bytes of the request have been received.
  const std::optional<cut>& on_arrival() const noexcept { return faults.action.on_arrival; }
};

// How the server treats one connection.
struct connection_plan {
  std::uint64_t number = 0;
  std::chrono::milliseconds idle_timeout{75000};
  std::uint64_t max_requests = 0;  // 0: no end
  bool announce_last = true;       // with Connection: close, or GOAWAY
  std::uint32_t http2_streams = 128;
  std::chrono::milliseconds handshake_delay{0};
  std::optional<cut_kind> instead_of_handshake = {};
};

enum class completion : std::uint8_t { done, has_other_device, expired };

// A whole Podero without input and output: token endpoint, Partner API, Connect pages, and what the control endpoint
// does to them. One thread.
class podero {
 public:
  podero(settings settings, entropy source, std::function<moment()> clock);
  podero(const podero&) = delete;
  podero& operator=(const podero&) = delete;

  // The answer to a request, with the faults that apply to it; make_script() turns it into bytes. Where a fault breaks
  // the request off, the answer is a cut before its first byte.
  response handle(const request& req);

  // The same in two steps, for a server that can break off while the request is still arriving.
  exchange begin(std::string_view method, std::string_view target);
  response finish(const exchange& ex, const request& req);

  // The request was broken off as its exchange said: nothing is done, it is only remembered.
  void abandon(const exchange& ex, std::uint64_t connection);

  connection_plan accept();  // a connection has arrived; connection_closed() must follow some time
  void connection_closed() noexcept { --ledger_.connections().open; }

  // Links that device to the session as the Connect pages do. The same device twice is fine.
  completion complete(session& s, const found_device& what, std::optional<std::string> device_id);

  void reset();  // as after a start: no session, token, device, count

  moment now() const { return clock_(); }
  settings& options() noexcept { return settings_; }
  const settings& options() const noexcept { return settings_; }
  ledger& log() noexcept { return ledger_; }
  tokens& token_book() noexcept { return tokens_; }
  sessions& session_book() noexcept { return sessions_; }
  households& household_book() noexcept { return households_; }
  fault_board& faults() noexcept { return faults_; }
  windows& creation_windows() noexcept { return creation_windows_; }
  windows& request_windows() noexcept { return request_windows_; }

 private:
  response work(operation op, const request& req, moment at);
  response api(operation op, const request& req, std::string_view path, moment at);
  response create(const request& req, moment at);
  response read(const request& req, std::string_view id);
  response create_user(const request& req, std::string_view path);
  response read_devices(const request& req, std::string_view path);
  bool has_valid_token(const request& req, wall_instant now) const;
  bool may_own(const std::string& user_id) const;
  void add_known_users();

  settings settings_;
  entropy entropy_;
  std::function<moment()> clock_;
  tokens tokens_;
  sessions sessions_;
  households households_;
  std::uint64_t last_connection_ = 0;
  ledger ledger_;
  fault_board faults_;
  windows creation_windows_;
  windows request_windows_;
};

}  // namespace simulator
