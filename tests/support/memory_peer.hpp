#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "foundation/transport/channel.hpp"
#include "support/tap.hpp"

namespace gateway::support {

// The test's end of a connection in memory: it writes and reads at once and never waits.
class memory_peer {
 public:
  explicit memory_peer(std::unique_ptr<transport::channel> channel, std::unique_ptr<tap> heard_by = nullptr)
      : channel_{std::move(channel)}, tap_{std::move(heard_by)} {}

  // False if not all of it was taken.
  bool say(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto put = try_say(bytes);
      if (put.status != transport::io_status::done) return false;
      bytes.remove_prefix(put.bytes);
    }
    return true;
  }
  // As much of it as there is room for.
  transport::io_result try_say(std::string_view bytes) {
    const auto put = channel_->try_write(bytes);
    if (put.status == transport::io_status::done && tap_) tap_->sent(bytes.substr(0, put.bytes));
    return put;
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
      if (tap_) tap_->got({piece.data(), got.bytes});
    }
  }
  // The other side has closed (seen by the last `heard`).
  bool ended() const { return ended_; }
  void leave() { channel_.reset(); }
  transport::channel& channel() { return *channel_; }

 private:
  std::unique_ptr<transport::channel> channel_;
  std::unique_ptr<tap> tap_;
  bool ended_ = false;
};

}  // namespace gateway::support
