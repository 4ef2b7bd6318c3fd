# shellcheck shell=bash
# Headless Chromium for the scripts that look at pages; sourced after common.sh. Sets `chromium`; what it says on standard
# error goes to the file that $chromium_log names.
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  die "no Chromium; scripts/setup.sh --browser installs it"

# browse OPTION... [ADDRESS]
browse() {
  local options=(--headless --disable-gpu --hide-scrollbars "--user-data-dir=${chromium_profile:?}" --enable-logging=stderr --v=0)
  if ((EUID == 0)); then options+=(--no-sandbox); fi
  timeout 120 "$chromium" "${options[@]}" "$@" 2>>"${chromium_log:?}"
}
