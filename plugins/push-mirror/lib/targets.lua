--- Which remotes a repository has, and how to get in there.
local targets = {}

--- What repositories share among their settings and those of the server.
local CREDENTIALS = { "username", "password", "private_key", "host_keys", "certificate_authorities" }

--- Whether the server's list names a repository: the last entry that fits decides.
---@param list string[]
---@param key string the project's
---@param slug string
---@return boolean
function targets.is_listed(list, key, slug)
  local listed = false
  key, slug = key:lower(), slug:lower()
  for _, entry in ipairs(list) do
    local name = entry:lower()
    local leaves_out = name:sub(1, 1) == "^"
    if leaves_out then name = name:sub(2) end
    if name == "*" or name == key or name == key .. "/" .. slug then listed = not leaves_out end
  end
  return listed
end

--- The server's remote for a repository.
---@param template string
---@param key string
---@param slug string
---@return string
function targets.expand(template, key, slug)
  local names = { project = key:lower(), PROJECT = key, slug = slug }
  return (template:gsub("{(%a+)}", names))
end

local function target(name, url, credentials, choice)
  local found = { name = name, options = { url = url, refs = choice.refs, prune = choice.prune } }
  for _, field in ipairs(CREDENTIALS) do found.options[field] = credentials[field] end
  return found
end

--- The remotes of a repository: "own" by its own settings, "server" by those of the server. The server's
--- credentials go nowhere but to the server's remote, as others choose a repository's own.
---@param repository perigee.Repository
---@param own table? the repository's settings, where the plugin is switched on
---@param server table the server's settings
---@return table[]
function targets.of(repository, own, server)
  local found = {}
  local key, slug = repository.project.key, repository.slug
  local has_own = own and own.url and own.url ~= ""
  if has_own then found[#found + 1] = target("own", own.url, own, own) end
  local is_chosen = own and not has_own
  if server.url and (is_chosen or targets.is_listed(server.projects, key, slug)) then
    found[#found + 1] = target("server", targets.expand(server.url, key, slug), server, is_chosen and own or server)
  end
  return found
end

return targets
