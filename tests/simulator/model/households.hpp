#pragma once

#include "simulator/model/sessions.hpp"
#include "simulator/model/validation.hpp"

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace simulator {

struct device {
  std::string id;
  std::string user_id;
  found_device what;
  bool smart_optimization = false;
};

// A heat pump's documented members.
std::string to_json(const device& heat_pump);

// The users that were created and the devices that were onboarded.
class households {
 public:
  void add_user(const std::string& id) { users_.insert(id); }
  bool knows_user(const std::string& id) const { return users_.contains(id); }
  std::size_t user_count() const noexcept { return users_.size(); }

  void add_device(device made);
  const device* find_device(const std::string& id) const;
  std::size_t device_count() const noexcept { return devices_.size(); }
  std::vector<const device*> heat_pumps_of(const std::string& user_id) const;

  void clear();

 private:
  std::unordered_set<std::string> users_;
  std::unordered_map<std::string, device> devices_;
  std::unordered_map<std::string, std::vector<std::string>> devices_of_user_;
};

}  // namespace simulator
