#include "simulator/model/households.hpp"

#include <boost/json.hpp>

namespace simulator {

std::string to_json(const device& heat_pump) {
  // The readings are those of a quiet winter day; they mean nothing.
  return boost::json::serialize(boost::json::object{{"id", heat_pump.id},
                                                    {"is_authenticated", true},
                                                    {"is_smart_optimization_active", heat_pump.smart_optimization},
                                                    {"device_model", heat_pump.what.model},
                                                    {"operational_mode", "heating"},
                                                    {"current_power_consumption_w", 850},
                                                    {"indoor_actual_temperature", 21.5}});
}

void households::add_device(device made) {
  devices_of_user_[made.user_id].push_back(made.id);
  auto id = made.id;
  devices_.insert_or_assign(std::move(id), std::move(made));
}

const device* households::find_device(const std::string& id) const {
  const auto found = devices_.find(id);
  return found == devices_.end() ? nullptr : &found->second;
}

std::vector<const device*> households::heat_pumps_of(const std::string& user_id) const {
  std::vector<const device*> out;
  const auto found = devices_of_user_.find(user_id);
  if (found == devices_of_user_.end()) return out;
  for (const auto& id : found->second) {
    const auto* d = find_device(id);
    if (d && d->what.type == device_type::heat_pump) out.push_back(d);
  }
  return out;
}

void households::clear() {
  users_.clear();
  devices_.clear();
  devices_of_user_.clear();
}

}  // namespace simulator
