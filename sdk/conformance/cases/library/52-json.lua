-- case: 52
-- what: JSON that opens and never closes, lists thousands of names, or comes from emptied and shared tables
-- expect: killed timeout | killed memory
-- over: 250ms
-- limits: {"handler_cpu": "500ms"}
perigee.plugin.on_start(function()
  local json = perigee.json
  for _, part in ipairs({ "[", '{"a":', "[[],", '{"a":[{' }) do
    local value, err = json.decode(part:rep(20000))
    assert(value == nil and err.code == "refused")
  end
  assert(not json.decode('{"a": 1, "a": null}') and not json.decode("[1] 2") and not json.decode('"\\ud800"'))
  local names, emptied, shared = {}, {}, {}
  for i = 1, 16000 do
    names[i] = ('"%d":null'):format(i)
    emptied["k" .. i] = i
  end
  for key in pairs(emptied) do emptied[key] = nil end
  for i = 1, 400 do shared[i] = emptied end
  local text, twice = "{" .. table.concat(names, ",") .. "}", {}
  for _ = 1, 30 do twice = { twice, twice } end
  while true do
    pcall(json.decode, text)
    pcall(json.encode, { shared, shared, shared })
    pcall(json.encode, twice)
  end
end)
