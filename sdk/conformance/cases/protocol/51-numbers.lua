-- case: 51
-- what: numbers at the edges
-- expect: ok
perigee.plugin.on_start(function()
  local encode, decode = perigee.json.encode, perigee.json.decode
  for _, number in ipairs({ 0 / 0, math.huge, -math.huge }) do
    assert(not pcall(encode, number) or encode(number) == "null")
    assert(not pcall(perigee.time.iso, number))
  end
  for _, number in ipairs({ math.mininteger, math.maxinteger, 0, -1, 2 ^ 53 }) do
    assert(decode(encode(number)) == number)
    pcall(perigee.time.iso, number)
  end
  assert(not pcall(perigee.time.iso, math.mininteger))
  assert(not pcall(perigee.time.iso, math.maxinteger))
end)
