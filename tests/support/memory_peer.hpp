#pragma once

#include <array>
#include <string>
#include <string_view>

#include "foundation/transport/channel.hpp"

namespace gateway::support {

// The test's end of a connection in memory: it writes and reads at once and never waits.
class memory_peer {
 public:
  explicit memory_peer(std::unique_ptr<transport::channel> channel) : channel_{std::move(channel)} {}

  // False if not all of it was taken.
  bool say(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto put = channel_->try_write(bytes);
      if (put.status != transport::io_status::done) return false;
      bytes.remove_prefix(put.bytes);
    }
    return true;
  }
  // Everything that has come since the last call.
  std::string heard() {
    std::string all;
    std::array<char, 4096> piece{};
    for (;;) {
      const auto got = channel_->try_read(piece);
      if (got.status == transport::io_status::end || got.status == transport::io_status::failed) ended_ = true;
      if (got.status != transport::io_status::done) return all;
      all.append(piece.data(), got.bytes);
    }
  }
  // The other side has closed (seen by the last `heard`).
  bool ended() const { return ended_; }
  void leave() { channel_.reset(); }
  transport::channel& channel() { return *channel_; }

 private:
  std::unique_ptr<transport::channel> channel_;
  bool ended_ = false;
};

}  // namespace gateway::support
