#!/bin/sh
# Builds the comparison in the release configuration and runs it.
set -eu
cd "$(dirname "$0")/../.."
command -v lua5.4 >/dev/null || {
    echo "lua-programs: the peer, lua5.4, is missing; .ci/setup bench installs it" >&2
    exit 1
}
swift build --configuration release --scratch-path .build-release --static-swift-stdlib \
    --product lua-programs
exec .build-release/release/lua-programs Benchmarks/lua-programs/programs "$@"
