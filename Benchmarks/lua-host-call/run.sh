#!/bin/sh
# Builds the comparison in the release configuration and runs it.
set -eu
cd "$(dirname "$0")/../.."
swift build --configuration release --scratch-path .build-release --static-swift-stdlib \
    --product lua-host-call
exec .build-release/release/lua-host-call "$@"
