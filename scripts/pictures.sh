#!/usr/bin/env bash
# Pictures of pages, whole and as wide as a reader's window: scripts/pictures.sh FOLDER PAGE.html...
# writes FOLDER/PAGE.png for each. Needs chromium (scripts/setup.sh --browser).
set -euo pipefail
. "$(dirname "$0")/common.sh"
. scripts/chromium.sh

folder=${1:?name the folder for the pictures}
shift
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chromium_profile=$work/profile
chromium_log=$work/log
width=1240

for page in "$@"; do
  name=$(basename "$page" .html)
  # The height is the page's own business: it writes it where the dump shows it.
  tell='for (const section of document.querySelectorAll("main > section")) section.style.contentVisibility = "visible";
    document.documentElement.dataset.height = document.documentElement.scrollHeight;'
  { sed '/<\/body>/,$d' "$page" && echo "<script>$tell</script></body></html>"; } >"$work/$name.html"
  height=$(browse --window-size=$width,100 --dump-dom "file://$work/$name.html" | grep -o 'data-height="[0-9]*"' | head -n 1 | tr -dc 0-9)
  browse --window-size="$width,$height" --force-device-scale-factor=1 "--screenshot=$folder/$name.png" "file://$work/$name.html" ||
    die "$page: no picture; $(tail -n 3 "$chromium_log")"
  echo "$folder/$name.png"
done
