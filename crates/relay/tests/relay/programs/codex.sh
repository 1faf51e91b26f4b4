#!/bin/sh
# codex for tests that know nothing of codex-relay: `codex app-server` over standard input and output is a server on a
# socket with the relay before it. The test fills in what stands between the signs.
codex='@CODEX@'
relay='@RELAY@'
way='@WAY@'

case " $* " in
  *" --listen "* | *" generate-"* | *" proxy "*) exec "$codex" "$@" ;;
  *" app-server "*) ;;
  *) exec "$codex" "$@" ;;
esac

folder=$(mktemp -d)
await() {
  while ! [ -S "$1" ]; do
    kill -0 "$server" 2>/dev/null || exit 1
    sleep 0.01
  done
}

"$codex" "$@" --listen "unix://$folder/server" </dev/null >/dev/null &
server=$!
started=$server
await "$folder/server"
if [ "$way" = listen ]; then
  "$relay" listen "unix://$folder/lines" --to "unix://$folder/server" </dev/null >/dev/null 2>&1 &
  started="$started $!"
  await "$folder/lines"
fi

# What was started here ends with the process of the client, however that ends. A server in the middle of a turn does not
# end when it is asked to.
(
  exec </dev/null >/dev/null 2>&1
  while kill -0 $$; do sleep 0.1; done
  kill $started
  sleep 1
  kill -9 $started
  rm -rf "$folder"
) &

case $way in
  stdio) exec "$relay" "unix://$folder/server" ;;
  listen) exec "$relay" --raw "unix://$folder/lines" ;;
esac
