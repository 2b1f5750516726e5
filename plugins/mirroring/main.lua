--- Mirrors: on a primary it tells each mirror of what changes, on a mirror it does what it is told.
require(perigee.mirrors.mode == "mirror" and "lib.mirror" or "lib.primary")
