#include "store/redis/pipeline.hpp"

#include <openssl/crypto.h>

#include <algorithm>

namespace gateway::store::redis {
namespace {

constexpr std::size_t worth_a_move = std::size_t{64} * 1024;
// Room for a handshake: a buffer that grows leaves copies behind, and there is a password in it.
constexpr std::size_t first_room = 4096;

}  // namespace

pipeline::pipeline(pipeline_options options) : options_{options} {
  out_.reserve(first_room);
}

pipeline::number pipeline::add(std::string_view command, asker& who, time::instant now) {
  owed_.push_back(
      {.which = next_, .who = &who, .begins = taken_ + out_.size() - front_, .size = command.size(), .since = now});
  out_ += command;
  return next_++;
}

std::string_view pipeline::offer(std::size_t at_most) {
  const auto piece = std::string_view{out_}.substr(front_, at_most);
  offered_ = std::max(offered_, taken_ + piece.size());
  return piece;
}

void pipeline::took(std::size_t bytes) {
  OPENSSL_cleanse(out_.data() + front_, bytes);
  front_ += bytes;
  taken_ += bytes;
  if (front_ < std::max(worth_a_move, out_.size() / 2) && wants_to_write()) return;
  out_.erase(0, front_);
  front_ = 0;
}

bool pipeline::abandon(number which) {
  const auto found = std::ranges::lower_bound(owed_, which, {}, &entry::which);
  if (found == owed_.end() || found->which != which) return true;  // answered in this very turn
  if (written(*found)) {
    found->who = nullptr;
    return true;
  }
  const auto size = found->size;
  out_.erase(static_cast<std::size_t>(found->begins - taken_) + front_, size);
  for (auto later = owed_.erase(found); later != owed_.end(); ++later) later->begins -= size;
  return false;
}

std::optional<pipeline::owed> pipeline::next_owed() {
  if (owed_.empty()) return std::nullopt;
  const auto& front = owed_.front();
  const owed next{.which = front.which, .who = front.who, .written = written(front)};
  owed_.pop_front();
  return next;
}

std::optional<time::instant> pipeline::patience_ends() const {
  if (owed_.empty()) return std::nullopt;
  return owed_.front().since + options_.patience;
}

}  // namespace gateway::store::redis
