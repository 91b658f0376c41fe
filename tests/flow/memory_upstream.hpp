#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "foundation/transport/memory.hpp"
#include "foundation/transport/socket.hpp"
#include "simulator/model/message.hpp"
#include "simulator/model/wire_script.hpp"
#include "support/certificates.hpp"

namespace gateway::flow {

// Podero's end of the wire, in memory: accepts connections with TLS, reads requests, and carries out what a handler
// says: a script of bytes, waits and cuts.
class memory_upstream final : public transport::connector {
 public:
  using handler = std::function<simulator::wire_script(const simulator::request&)>;

  memory_upstream(transport::loop& loop, handler answers);

  transport::task<std::expected<std::unique_ptr<transport::channel>, std::string>> connect(
      transport::endpoint where, time::instant deadline) override;

  // Bytes of the gateway under way on connections opened from now on.
  void hold_at_most(std::size_t bytes) noexcept { capacity_ = bytes; }
  // Of the next request on a connection that is open now, only so many encrypted bytes arrive; then comes a reset.
  void cut_request_after(std::size_t encrypted_bytes) noexcept;
  // Closes connections that rest longer, without having said so.
  void hidden_idle_limit(time::duration limit) noexcept { idle_limit_ = limit; }
  std::size_t closed_idle() const noexcept { return closed_idle_; }

  // Refuses connections from now on, or takes them again.
  void refuse(bool yes) noexcept { refusing_ = yes; }
  std::size_t connections() const noexcept { return accepted_; }
  std::size_t open() const noexcept { return open_; }

 private:
  class throttle;

  transport::task<> serve(std::unique_ptr<transport::memory_channel> wire, std::uint64_t number);

  transport::loop& loop_;
  handler answers_;
  std::shared_ptr<tls::server_context> tls_;
  std::vector<throttle*> open_wires_;
  std::size_t capacity_ = 64 * 1024;
  std::optional<time::duration> idle_limit_;
  std::size_t closed_idle_ = 0;
  bool refusing_ = false;
  std::size_t accepted_ = 0;
  std::size_t open_ = 0;
};

}  // namespace gateway::flow
