-- case: 46
-- what: no text tells an address
-- expect: ok
perigee.plugin.on_start(function()
  local one, other = {}, {}
  assert(tostring(one) == tostring(one) and tostring(one) ~= tostring(other))
  -- What %p gives tells objects apart, as tostring does, and is the keyed hash of an address.
  assert(tostring(one) == "table: " .. ("%p"):format(one))
end)
