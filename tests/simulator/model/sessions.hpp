#pragma once

#include "simulator/model/calendar.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace simulator {

enum class device_type : std::uint8_t { heat_pump, electric_vehicle, inverter, wallbox };

// What a validated creation asks for.
struct session_wishes {
  std::string language;
  std::string price_zone_default;
  bool smart_optimization = false;
  std::string success_url;
  std::string cancel_url;
  std::string user_id;
  std::string external_metadata = "{}";  // JSON text
};

// A device that the person in the Connect pages has authenticated and not yet linked.
struct found_device {
  device_type type = device_type::heat_pump;
  std::string model;
};

struct session {
  std::string id;
  session_wishes wishes;
  std::chrono::sys_days expiration_date;  // valid until the END of this day, in UTC here
  std::optional<std::string> object_id;   // the device, once there is one
  std::optional<found_device> found;
  bool cancelled = false;  // the simulator's own knowledge: upstream a cancellation changes nothing
};

bool is_expired(const session& s, wall_instant now) noexcept;

// The documented answer, members in the documented order.
std::string to_json(const session& s, std::string_view public_url);

// Every session made here; beyond the capacity the oldest is forgotten.
class sessions {
 public:
  explicit sessions(std::size_t capacity) : capacity_{capacity} {}

  session& create(std::string id, session_wishes wishes, wall_instant now);
  session* find(const std::string& id);
  const session* find(const std::string& id) const;
  std::size_t size() const noexcept { return by_id_.size(); }
  void clear();

  // The newest first, at most `limit` of them.
  std::vector<const session*> newest(std::size_t limit) const;

 private:
  std::size_t capacity_;
  std::unordered_map<std::string, session> by_id_;
  std::deque<std::string> in_order_;
};

}  // namespace simulator
