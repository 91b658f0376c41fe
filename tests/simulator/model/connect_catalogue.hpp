#pragma once
// What can be connected in the Connect pages. All but the Nibe demo account are invented.

#include "simulator/model/sessions.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace simulator {

// How a manufacturer wants to know whose device it is.
enum class proof : std::uint8_t { credentials, serial_number, hardware_gateway };

struct manufacturer {
  device_type type;
  std::string_view slug;  // in the path
  std::string_view name;
  proof asks_for;
  std::string_view model;  // of the device that is always found there
};

inline constexpr std::array manufacturers{
    manufacturer{device_type::heat_pump, "nibe", "NIBE myUplink demo", proof::credentials, "NIBE S1255-6"},
    manufacturer{device_type::heat_pump, "alpenwarm", "Alpenwarm", proof::serial_number, "Alpenwarm A8"},
    manufacturer{device_type::heat_pump, "nordluft", "Nordluft", proof::hardware_gateway, "Nordluft Duo 12"},
    manufacturer{device_type::electric_vehicle, "stromer", "Stromer Motors", proof::credentials, "Stromer One"},
    manufacturer{device_type::inverter, "helios", "Helios Solar", proof::credentials, "Helios H10"},
    manufacturer{device_type::inverter, "sonnhof", "Sonnhof", proof::serial_number, "Sonnhof Hybrid 8"},
    manufacturer{device_type::wallbox, "ladeblitz", "Ladeblitz", proof::serial_number, "Ladeblitz 11"},
};

struct type_row {
  device_type type;
  std::string_view slug;
  std::string_view icon;  // the inside of a 24 by 24 SVG, drawn in lines
};

inline constexpr std::array device_types{
    type_row{device_type::heat_pump, "heat-pumps",
             "<rect x='3' y='5' width='18' height='14' rx='2'/><circle cx='9' cy='12' r='4'/><path d='M9 8v8M5 12h8M17 "
             "9v6'/>"},
    type_row{device_type::electric_vehicle, "electric-vehicles",
             "<path d='M4 15v-3l2-5h12l2 5v3z'/><path d='M4 12h16'/><circle cx='7.5' cy='16.5' r='1.8'/><circle "
             "cx='16.5' cy='16.5' r='1.8'/>"},
    type_row{device_type::inverter, "inverters",
             "<rect x='4' y='4' width='16' height='16' rx='2'/><path d='M7 12c1.7-5 3.3-5 5 0s3.3 5 5 0'/>"},
    type_row{
        device_type::wallbox, "wallboxes",
        "<rect x='5' y='3' width='10' height='13' rx='2'/><path d='m11 6-3 4h4l-3 4M15 12h2a2 2 0 0 1 2 2v3a2 2 0 0 "
        "1-2 2h-5a2 2 0 0 1-2-2v-1'/>"},
};

}  // namespace simulator
