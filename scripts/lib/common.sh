# shellcheck shell=bash
# What the scripts share: where things are, how they speak, and what they need installed. Source it, then call
# `need build story …` with the groups of scripts/lib/packages.
# shellcheck disable=SC2034  # used by those who source this
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
jobs=${POSTERN_JOBS:-$(nproc)}

say() { printf '%s\n' "$*"; }
fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 3
}
usage_error() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 2
}

# step TEXT: ends the running step and begins one; `steps` prints what each took.
step_names=()
step_starts=()
step() {
  step_names+=("$1")
  step_starts+=("$SECONDS")
  printf '\n==> %s\n' "$1"
}
steps() {
  local i end
  printf '\n'
  for ((i = 0; i < ${#step_names[@]}; ++i)); do
    end=${step_starts[i + 1]:-$SECONDS}
    printf '%6d s  %s\n' $((end - step_starts[i])) "${step_names[i]}"
  done
  printf '%6d s  all\n' "$SECONDS"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    fail "this needs root and there is no sudo: $*"
  fi
}

# packages_of GROUP…: the packages of these groups, one a line.
packages_of() {
  local group line wanted=
  while IFS= read -r line; do
    case $line in
      '# for: '*)
        wanted=
        for group; do if [ "${line#\# for: }" = "$group" ]; then wanted=yes; fi; done
        ;;
      '#'* | '') ;;
      *) if [ -n "$wanted" ]; then printf '%s\n' "$line"; fi ;;
    esac
  done < "$top/scripts/lib/packages"
}

# need GROUP…: installs what is missing of these groups; "story" also brings Node.
need() {
  local missing=() package group
  while IFS= read -r package; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" != installed ]; then missing+=("$package"); fi
  done < <(packages_of "$@")
  for group; do
    if [ "$group" = story ]; then
      # Any Node from 18 on will do; Debian's own comes in two packages.
      if ! command -v node > /dev/null; then missing+=(nodejs); fi
      if ! command -v npm > /dev/null; then missing+=(npm); fi
    fi
  done
  if [ ${#missing[@]} = 0 ]; then return 0; fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  as_root apt-get update -q || fail "apt-get update failed"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" ||
    fail "apt-get could not install ${missing[*]}"
}

# node_packages: what fixtures/package-lock.json says, once.
node_packages() {
  local mark=$top/fixtures/node_modules/.postern-lock
  if [ -f "$mark" ] && cmp -s "$mark" "$top/fixtures/package-lock.json"; then return 0; fi
  say "installing the npm packages of fixtures/package-lock.json"
  (cd "$top/fixtures" && npm ci --no-audit --no-fund --loglevel=error) || fail "npm ci failed in fixtures"
  cp "$top/fixtures/package-lock.json" "$mark"
}

# build PRESET TARGET…: configures once, builds. No target: all.
build() {
  local preset=$1 target targets=()
  shift
  for target; do targets+=(--target "$target"); done
  (
    cd "$top" || exit 3
    cmake --preset "$preset" > "$top/build/configure-$preset.log" 2>&1 || {
      cat "$top/build/configure-$preset.log"
      exit 3
    }
    cmake --build --preset "$preset" -j "$jobs" "${targets[@]}"
  ) || fail "the build of preset $preset failed"
}
mkdir -p "$top/build"
