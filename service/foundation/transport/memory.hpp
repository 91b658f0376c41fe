#pragma once

#include <memory>
#include <string>
#include <utility>

#include "foundation/transport/channel.hpp"
#include "foundation/transport/ready_list.hpp"

namespace gateway::transport {

// One end of a connection in memory. What one end writes the other reads, so many bytes under way at most; it fails
// and ends like a socket. For tests: the same drivers run over it as over sockets.
class memory_channel final : public channel {
 public:
  // Two connected ends on the same loop. `from_first`, `from_second`: how many bytes each may have under way.
  static std::pair<std::unique_ptr<memory_channel>, std::unique_ptr<memory_channel>> make_pair(ready_list& list,
                                                                                               std::size_t from_first,
                                                                                               std::size_t from_second);
  static std::pair<std::unique_ptr<memory_channel>, std::unique_ptr<memory_channel>> make_pair(
      ready_list& list, std::size_t capacity = 64 * 1024) {
    return make_pair(list, capacity, capacity);
  }

  ~memory_channel() override;

  io_result try_read(std::span<char> into) noexcept override;
  io_result try_write(std::span<const char> from) noexcept override;
  void finish() noexcept override;
  readiness& ready() noexcept override { return ready_; }
  std::string reason() const override { return reset_ ? "connection reset" : std::string{}; }

  // As a peer's RST: both ends fail from now on and bytes under way are lost.
  void reset() noexcept;

 private:
  struct pipe {
    std::string bytes;
    bool finished = false;
  };
  struct wire;
  memory_channel(ready_list& list, std::shared_ptr<wire> shared, int side) noexcept;

  readiness ready_;
  std::shared_ptr<wire> wire_;
  int side_;
  bool reset_ = false;
};

}  // namespace gateway::transport
