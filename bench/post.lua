-- What wrk sends: the documented creation. At the end one line: requests, failures, microseconds, p50, p99, p99.9, and how many
-- of the failures were answers of another status than 2xx.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json"
wrk.body = '{"language":"de","price_zone_default":"AT","is_smart_optimization_active_default":true,'
  .. '"success_url":"https://my-customerportal.com/success","cancel_url":"https://my-customerportal.com/error",'
  .. '"user_id":"a169451c-8525-4352-b8ca-070dd449a1a5"}'

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("BENCH %d %d %d %d %d %d %d\n", summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, summary.duration,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), errors.status))
end
