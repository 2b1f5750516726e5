-- Lua code of plugins: Lua 5.4 within the sandbox, with `perigee` as the only way out.
std = "lua54"
read_globals = { "perigee" }
max_line_length = 120
exclude_files = { "sdk/types/**", ".build*/**" }
-- As the API's design shows it.
files["sdk/examples/branch-report/main.lua"] = { unused_args = false }
