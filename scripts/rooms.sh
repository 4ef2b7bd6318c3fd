#!/usr/bin/env bash
# Every #include between the rooms of src/ and kernels/ must be one that the table in docs/architecture.md lists.
set -euo pipefail
. "$(dirname "$0")/common.sh"

# shellcheck disable=SC2016  # the backticks are the text that is looked for
table=$(sed -n '/^```rooms$/,/^```$/p' docs/architecture.md | grep -v '^```')
[[ -n $table ]] || die "docs/architecture.md has no table of rooms"
rooms=$(awk '{print $1}' <<<"$table")
status=0
seen=0

while read -r room; do
  folder=src/$room
  if [[ $room == kernels ]]; then folder=kernels; fi
  [[ -d $folder ]] || die "docs/architecture.md names the room $room, but $folder is not there"
  # Columns are two or more spaces apart.
  allowed=" $room $(awk -F '  +' -v room="$room" '$1 == room {print $2}' <<<"$table") "
  while IFS=: read -r file line include; do
    other=$(sed 's/.*"\([a-z_]*\)\/.*/\1/' <<<"$include")
    seen=$((seen + 1))
    if grep -qx "$other" <<<"$rooms" && [[ $allowed != *" $other "* ]]; then
      echo "$file:$line: $room may not include $other ($include); see docs/architecture.md" >&2
      status=1
    fi
  done < <(grep -rnE '^#include "[a-z_]+/' "$folder" --include='*.?pp' --include='*.cu' --include='*.cuh' || true)
done <<<"$rooms"

for folder in src/*/; do
  grep -qx "$(basename "$folder")" <<<"$rooms" || die "src/$(basename "$folder") has no line in docs/architecture.md"
done
((seen > 100)) || die "only $seen includes were found; the search itself is broken"
exit "$status"
