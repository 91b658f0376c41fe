#pragma once

#include <functional>
#include <memory>
#include <string>

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

  // Refuses connections from now on, or takes them again.
  void refuse(bool yes) noexcept { refusing_ = yes; }
  std::size_t connections() const noexcept { return accepted_; }
  std::size_t open() const noexcept { return open_; }

 private:
  transport::task<> serve(std::unique_ptr<transport::memory_channel> wire, std::uint64_t number);

  transport::loop& loop_;
  handler answers_;
  std::shared_ptr<tls::server_context> tls_;
  bool refusing_ = false;
  std::size_t accepted_ = 0;
  std::size_t open_ = 0;
};

}  // namespace gateway::flow
