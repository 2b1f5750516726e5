-- case: 51
-- what: tables in tables: cyclic ones, and 100,000 deep
-- expect: ok
-- limits: {"handler_cpu": "1s"}
perigee.plugin.on_start(function()
  local encode = perigee.json.encode
  local cyclic = {}
  cyclic.a = { b = cyclic }
  assert(not pcall(encode, cyclic))
  assert(not pcall(perigee.log.info, "x", cyclic))
  local deep = {}
  for _ = 1, 100000 do deep = { deep } end
  assert(not pcall(encode, deep))
  local shallow = 1
  for _ = 1, 20 do shallow = { shallow } end
  assert(encode(shallow) == ("["):rep(20) .. "1" .. ("]"):rep(20))
end)
