#include "simulator/model/sessions.hpp"

#include <boost/json.hpp>

namespace simulator {

bool is_expired(const session& s, wall_instant now) noexcept {
  return now >= s.expiration_date + std::chrono::days{1};
}

std::string to_json(const session& s, std::string_view public_url) {
  const auto text = [](std::string_view value) { return boost::json::serialize(value); };
  std::string out = "{\"authentication_url\":";
  out += text(std::string{public_url} + "?onboarding_session_id=" + s.id);
  out += ",\"id\":" + text(s.id);
  out += ",\"user\":" + text(s.wishes.user_id);
  out += ",\"success_url\":" + text(s.wishes.success_url);
  out += ",\"cancel_url\":" + text(s.wishes.cancel_url);
  out += ",\"expiration_date\":" + text(iso_date(s.expiration_date));
  out += ",\"object_id\":" + (s.object_id ? text(*s.object_id) : std::string{"null"});
  out += ",\"external_metadata\":" + s.wishes.external_metadata;
  out += '}';
  return out;
}

session& sessions::create(std::string id, session_wishes wishes, wall_instant now) {
  if (in_order_.size() >= capacity_ && !in_order_.empty()) {
    by_id_.erase(in_order_.front());
    in_order_.pop_front();
  }
  in_order_.push_back(id);
  const auto tomorrow = std::chrono::floor<std::chrono::days>(now) + std::chrono::days{1};
  auto& made = by_id_[id];
  made.id = std::move(id);
  made.wishes = std::move(wishes);
  made.expiration_date = tomorrow;
  return made;
}

session* sessions::find(const std::string& id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

const session* sessions::find(const std::string& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

void sessions::clear() {
  by_id_.clear();
  in_order_.clear();
}

std::vector<const session*> sessions::newest(std::size_t limit) const {
  std::vector<const session*> out;
  for (auto it = in_order_.rbegin(); it != in_order_.rend() && out.size() < limit; ++it) out.push_back(find(*it));
  return out;
}

}  // namespace simulator
