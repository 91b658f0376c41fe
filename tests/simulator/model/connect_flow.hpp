#pragma once

#include "simulator/model/podero.hpp"

namespace simulator {

// The Connect pages as a person walks through them, which is also where the browser comes back from:
//   GET /                        choose the kind of device
//   GET /heat-pumps              choose the manufacturer (the documented shortcut)
//   GET, POST /heat-pumps/nibe   credentials or a serial number
//   GET, POST /link-device       303 to success_url with deviceId
//   POST /cancel                 303 to cancel_url
// Each with onboarding_session_id, in the query or in the form. All that is remembered stands in the session.
response connect(podero& upstream, const request& req, wall_instant now);

}  // namespace simulator
