-- What callers send, for wrk: of a hundred requests so many of each kind as the table says. At the end one line with how many
-- answers of which status there were; whoever runs it sees whether all kinds came through.
local sessions = "/v1/accounts/sandbox/onboarding-sessions"
local portal = "Bearer " .. os.getenv("PORTAL_KEY")
local refused = "Bearer " .. os.getenv("REFUSED_KEY")
local creation = '{"language":"de","price_zone_default":"AT","is_smart_optimization_active_default":true,'
  .. '"success_url":"https://my-customerportal.com/success","cancel_url":"https://my-customerportal.com/error",'
  .. '"user_id":"a169451c-8525-4352-b8ca-070dd449a1a5"}'
local sparse = '{"success_url":"https://my-customerportal.com/success","cancel_url":"https://my-customerportal.com/error",'
  .. '"user_id":"a169451c-8525-4352-b8ca-070dd449a1a5","external_metadata":{"order":"4711"}}'
local wrong = '{"language":"xx","success_url":"http:/nowhere","user_id":"somebody","more":1}'

local function post(key, body, more)
  local headers = { Authorization = key, ["Content-Type"] = "application/json", Accept = "application/json" }
  for name, value in pairs(more or {}) do headers[name] = value end
  return wrk.format("POST", sessions, headers, body)
end

local made   -- the path of a session that was answered last
local keys = 0
local function fresh_key()
  keys = keys + 1
  return '"training-' .. tostring(os.time()) .. "-" .. keys .. '"'
end

local kinds = {
  { 45, function() return post(portal, creation) end },
  { 5, function() return post(portal, sparse) end },
  { 5, function() return post(portal, creation, { ["X-Request-Id"] = "training-4711",
      traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }) end },
  { 10, function() return post(portal, creation, { ["Idempotency-Key"] = fresh_key() }) end },
  { 10, function() return post(portal, creation, { ["Idempotency-Key"] = '"training"' }) end },
  { 8, function() return post(refused, creation) end },
  { 3, function() return post(portal, wrong) end },
  { 2, function() return post("Bearer nobody", creation) end },
  { 8, function() return wrk.format("GET", made or sessions, { Authorization = portal }) end },
  { 2, function() return wrk.format("GET", "/v1/accounts/sandbox", { Authorization = portal }) end },
  { 2, function() return wrk.format("GET", "/v1/nowhere", { Authorization = portal }) end },
}
local deck = {}
for _, kind in ipairs(kinds) do for _ = 1, kind[1] do deck[#deck + 1] = kind[2] end end
assert(#deck == 100)

local at = 0
function request()
  at = (at + 37) % 100   -- all of them, well mixed
  return deck[at + 1]()
end

counts = {}
function response(status, headers, body)
  counts[status] = (counts[status] or 0) + 1
  local id = status == 201 and body:match('"id":"([%x-]+)"')
  if id then made = sessions .. "/" .. id end
end

local threads = {}
function setup(thread) threads[#threads + 1] = thread end
function done(summary)
  local words = {}
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("counts")) do words[#words + 1] = status .. "=" .. count end
  end
  table.sort(words)
  local errors = summary.errors
  io.write("ANSWERS ", errors.connect + errors.read + errors.timeout, " ", table.concat(words, " "), "\n")
end
