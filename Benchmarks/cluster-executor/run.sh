#!/bin/sh
# Makes a Python with the peers, builds the measurement in the release configuration, and runs it.
set -eu
cd "$(dirname "$0")/../.."
python=.bench/cluster-executor/bin/python
if ! cmp -s Benchmarks/cluster-executor/requirements.txt .bench/cluster-executor/made; then
    /usr/bin/python3 -m venv --clear .bench/cluster-executor
    "$python" -m pip install --quiet --disable-pip-version-check \
        --requirement Benchmarks/cluster-executor/requirements.txt
    cp Benchmarks/cluster-executor/requirements.txt .bench/cluster-executor/made
fi
swift build --configuration release --scratch-path .build-release --static-swift-stdlib \
    --product cluster-executor
exec .build-release/release/cluster-executor "${1:-60000}" "$(pwd)/$python"
