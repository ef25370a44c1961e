#!/bin/sh
# Written by `postern-hook install`; what is changed here is lost at the next one.
# git runs this under every hook name, because core.hooksPath points to this directory. Every name goes on to the
# repository's own hook; in repositories below $root, three of them are judged or recorded first.
program=@program@
bundle=@bundle@
spool=@spool@
root=@root@
pause=@pause@

name=${0##*/}

# Where the repository is, links resolved: a prefix can only be compared with that.
case ${GIT_DIR:-.} in
  .) cd -P . && here=$PWD ;;
  *) here=$(cd -P -- "$GIT_DIR" 2>/dev/null && pwd -P) ;;
esac
inside=
case ${here:-$root}/ in
  "$root"/*) inside=yes ;;
esac

# The repository's own hook of this name.
own_hook() {
  [ -n "$here" ] || return 1
  directory=$here
  if [ -z "${GIT_DIR-}" ] && [ ! -d "$here/objects" ]; then
    directory=$(git rev-parse --git-common-dir 2>/dev/null) || directory=.git
  fi
  if [ -f "$directory/commondir" ]; then
    read -r common <"$directory/commondir" || :
    case $common in
      /*) directory=$common ;;
      *) directory=$directory/$common ;;
    esac
  fi
  own=$directory/hooks/$name
  [ -x "$own" ] && return 0
  # git passes over a hook that is not executable; Gogs' branch protection would be gone without a word.
  if [ -n "$inside" ] && [ -e "$own" ]; then
    case $name in
      pre-receive | update)
        echo "postern: refused: the repository's own $name hook is not executable" >&2
        echo "fix: ask the administrator: gogs admin resync-hooks, and postern-hook status" >&2
        exit 1
        ;;
    esac
  fi
  return 1
}

# Without a hook of its own; some names change what git does by being there at all.
without_own() {
  case $name in
    push-to-checkout) exec git read-tree -u -m HEAD "$1" ;;
    proc-receive | fsmonitor-watchman) exit 1 ;;
  esac
  exit 0
}

judged=
if [ -n "$inside" ]; then
  case $name in
    pre-receive | post-receive) judged=yes ;;
    reference-transaction)
      case ${1-} in
        prepared | committed)
          # Under receive-pack pre-receive has judged already, and pack-refs moves nothing; the program knows more
          # spellings. The shell drops the zero bytes between the arguments.
          IFS= read -r parent <"/proc/$PPID/cmdline" || :
          case ${parent-} in
            gitreceive-pack* | git-receive-pack* | gitpack-refs*) ;;
            *) judged=yes ;;
          esac
          ;;
      esac
      ;;
  esac
fi
if [ -z "$judged" ]; then
  if own_hook; then exec "$own" "$@"; fi
  without_own "$@"
fi

# A pause is an end time that only root can write.
paused=
if [ -r "$pause" ]; then
  read -r end text <"$pause" || :
  if [ "$(date +%s)" -lt "${end:-0}" ] 2>/dev/null; then paused=${text:-$end}; fi
fi

own=
own_hook || own=

if [ -z "$paused" ]; then
  # The program reads the standard input and goes on to the repository's own hook itself: two programs less to start.
  # shellcheck disable=SC2317  # run by the trap
  cannot_run() {
    if [ "$name" = post-receive ]; then
      echo "postern: $program cannot be run, so nothing records what moved" >&2
      if [ -n "$own" ]; then "$own"; fi
      exit 0
    fi
    echo "postern: refused: $program cannot be run" >&2
    echo "fix: ask the administrator: postern-hook status" >&2
    exit 1
  }
  trap cannot_run EXIT
  # A shell runs an empty file, which is what a full disk leaves of a program, as a script that agrees to everything.
  [ -s "$program" ] || exit 1
  exec "$program" "$name" --bundle "$bundle" --spool "$spool" --root "$root" --parent "$PPID" ${own:+--then "$own"} "$@"
fi

# During a pause everything passes, whatever becomes of the program.
input=$(cat)
give() {
  if [ -n "$input" ]; then printf '%s\n' "$input"; fi
}
give | "$program" "$name" --bundle "$bundle" --spool "$spool" --root "$root" --parent "$PPID" --paused "$paused" "$@"
if [ -n "$own" ]; then
  give | "$own" "$@"
  exit
fi
without_own "$@"
