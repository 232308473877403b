#!/usr/bin/env bash
set -euo pipefail

if [ $# -ne 1 ]; then
  echo "One name, please." >&2
  exit 2
fi

echo "Hello, $1!"
echo "Entries in the workspace: $(find "$OPENPISTA_WORKSPACE" -mindepth 1 -maxdepth 1 | wc -l | tr -d ' ')"
