#!/bin/sh
# Builds the measurement in the release configuration and runs it.
set -eu
cd "$(dirname "$0")/../.."
swift build --configuration release --scratch-path .build-release --static-swift-stdlib \
    --product cluster-locks
exec .build-release/release/cluster-locks "$@"
