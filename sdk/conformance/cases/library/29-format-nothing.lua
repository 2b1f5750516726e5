-- case: 29
-- what: string.format that shows nothing of 30,000 texts of a megabyte
-- expect: killed timeout
-- over: 250ms
perigee.plugin.on_start(function()
  local text, all = ("x"):rep(1048000), {}
  for index = 1, 30000 do all[index] = text end
  while true do string.format(("%.0s"):rep(30000), table.unpack(all)) end
end)
