-- init
cjson = require "cjson.safe"
authorization = "Bearer @TOKEN@"
-- access: the work on the body that a gateway does at the least
ngx.req.read_body()
local sent = ngx.req.get_body_data()
local body = sent and cjson.decode(sent)
if type(body) ~= "table" or type(body.language) ~= "string" or type(body.price_zone_default) ~= "string"
   or type(body.is_smart_optimization_active_default) ~= "boolean" or type(body.success_url) ~= "string"
   or type(body.cancel_url) ~= "string" or type(body.user_id) ~= "string" then
  ngx.status = 400
  ngx.say('{"error":"invalid"}')
  return ngx.exit(400)
end
ngx.req.set_header("Authorization", authorization)
ngx.req.set_body_data(cjson.encode(body))
-- answer
local mine = ngx.ctx
mine.body = mine.body and (mine.body .. ngx.arg[1]) or ngx.arg[1]
if ngx.arg[2] then
  local got = cjson.decode(mine.body)
  if type(got) ~= "table" or type(got.id) ~= "string" then ngx.log(ngx.ERR, "not a session") end
end
