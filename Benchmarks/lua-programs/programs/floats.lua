-- Floating point in fields: the outer planets under their gravity.
local function body(x, y, z, vx, vy, vz, mass)
  return { x = x, y = y, z = z, vx = vx, vy = vy, vz = vz, mass = mass }
end

local sun_mass, year = 4 * math.pi ^ 2, 365.24
local bodies = {
  body(0, 0, 0, 0, 0, 0, sun_mass),
  body(4.84, -1.16, -0.10, 0.00166 * year, 0.00769 * year, -0.00006 * year, 0.00095 * sun_mass),
  body(8.34, 4.12, -0.40, -0.00276 * year, 0.00499 * year, 0.00002 * year, 0.00028 * sun_mass),
  body(12.89, -15.11, -0.22, 0.00296 * year, 0.00237 * year, -0.00002 * year, 0.00004 * sun_mass),
  body(15.37, -25.91, 0.17, 0.00268 * year, 0.00162 * year, -0.00009 * year, 0.00005 * sun_mass),
}

local function advance(dt)
  local count = #bodies
  for i = 1, count do
    local a = bodies[i]
    local vx, vy, vz = a.vx, a.vy, a.vz
    for j = i + 1, count do
      local b = bodies[j]
      local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
      local square = dx * dx + dy * dy + dz * dz
      local pull = dt / (square * square ^ 0.5)
      vx, vy, vz = vx - dx * b.mass * pull, vy - dy * b.mass * pull, vz - dz * b.mass * pull
      b.vx, b.vy, b.vz = b.vx + dx * a.mass * pull, b.vy + dy * a.mass * pull, b.vz + dz * a.mass * pull
    end
    a.vx, a.vy, a.vz = vx, vy, vz
  end
  for i = 1, count do
    local a = bodies[i]
    a.x, a.y, a.z = a.x + dt * a.vx, a.y + dt * a.vy, a.z + dt * a.vz
  end
end

for _ = 1, 150000 do advance(0.01) end
assert(bodies[1].x == bodies[1].x)
