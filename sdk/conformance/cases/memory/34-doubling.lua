-- case: 34
-- what: a string that doubles until no block holds it
-- expect: failed memory | killed memory
-- over: 250ms
perigee.plugin.on_start(function()
  local text = "x"
  while true do text = text .. text end
end)
