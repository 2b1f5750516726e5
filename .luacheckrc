-- Lua code of plugins: Lua 5.4 within the sandbox, with `perigee` as the only way out.
std = "lua54"
read_globals = { "perigee" }
max_line_length = 120
exclude_files = { "sdk/types/**", ".build*/**" }
