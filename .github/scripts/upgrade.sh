#!/usr/bin/env bash
# Runs `cargo xtask upgrade latest`, and opens or updates the pull request with the result. The body of the pull request
# has the open decisions and the diff. Exits with 0 if nothing is to do or the pull request is there, and with another
# code if the upgrade could not run. Needs `gh`, GH_TOKEN, and a clone with all commits.
set -euo pipefail

branch=upgrade-codex
folder=target/upgrade
name="github-actions[bot]"
email="41898282+github-actions[bot]@users.noreply.github.com"
# GitHub refuses longer bodies. It counts characters; bytes are never fewer.
limit=65536

# What people decided on the branch is not to be lost.
number=$(gh pr list --head "$branch" --state open --json number --jq '.[0].number // empty')
pushed=$(git ls-remote origin "refs/heads/$branch" | cut -f 1)
if [ -n "$number" ] && [ -n "$pushed" ]; then
  git fetch --quiet origin "$pushed"
  # All is read before it is looked at: git fails if its reader leaves early.
  others=$(git log --format=%ae "HEAD..$pushed" | grep -Fvx "$email" || true)
  if [ -n "$others" ]; then
    echo "::notice::pull request #$number has commits of people; merge or close it to get the next upgrade"
    exit 0
  fi
fi

mkdir -p "$folder"
rm -f "$folder/diff.md" "$folder/diff.html"
code=0
cargo xtask upgrade latest > "$folder/log.txt" || code=$?
cat "$folder/log.txt"
if [ "$code" -gt 1 ]; then
  exit "$code"
fi

git add --all
if git diff --cached --quiet; then
  if [ "$code" -eq 1 ]; then
    echo "::error::decisions are open in the default branch, and no file changes; run \`cargo xtask upgrade latest\`"
  fi
  exit "$code"
fi

version=$(sed -n 's/^codex_version = "\(.*\)"$/\1/p' schema/provenance.toml)
title="upgrade: move to codex $version"
git switch --quiet --force-create "$branch"
git -c user.name="$name" -c user.email="$email" commit --quiet --message "$title"
git push --quiet --force-with-lease="$branch:$pushed" origin "$branch"

{
  if [ "$code" -eq 1 ]; then
    echo "To settle a decision, commit to this branch, then run \`cargo xtask upgrade $version\` again."
    printf '\n~~~~text\n'
    awk '/^[0-9]+ decisions? (is|are) open:$/ { open = 1 } open' "$folder/log.txt"
    printf '~~~~\n\n'
  else
    printf 'No decision is open.\n\n'
  fi
  if [ -n "${GITHUB_RUN_ID:-}" ]; then
    run="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
    printf 'The page with the whole diff is the artifact `upgrade` of [this run](%s).\n\n' "$run"
  fi
  if [ -f "$folder/diff.md" ]; then
    cat "$folder/diff.md"
  fi
} > "$folder/whole.md"
if [ "$(wc -c < "$folder/whole.md")" -gt "$limit" ]; then
  # Whole lines only.
  head -c $((limit - 100)) "$folder/whole.md" | sed '$d' > "$folder/body.md"
  printf '\nThe rest is left out: the text is too long for GitHub.\n' >> "$folder/body.md"
else
  mv "$folder/whole.md" "$folder/body.md"
fi

if [ -n "$number" ]; then
  gh pr edit "$number" --title "$title" --body-file "$folder/body.md"
else
  gh pr create --head "$branch" --title "$title" --body-file "$folder/body.md"
fi
