#!/usr/bin/env bash
# Get what students handed in with GitHub Classroom: tools/collect_classroom.sh ORGANISATION PREFIX FOLDER
# The repositories are named PREFIXSTUDENT, such as captioning-ada. Each becomes FOLDER/STUDENT. GH_TOKEN may read them.
set -euo pipefail
organisation=$1 prefix=$2 folder=$3
test -n "$prefix" || { echo "The beginning of the repositories' names is expected" >&2; exit 2; }
mkdir -p "$folder"
# The token is told to git by the environment alone: it is in no file, and in no list of processes.
login="$(printf 'x-access-token:%s' "$GH_TOKEN" | base64 --wrap=0)"
server="${GITHUB_SERVER_URL:-https://github.com}"
export GIT_CONFIG_COUNT=2 GIT_TERMINAL_PROMPT=0
export GIT_CONFIG_KEY_0="http.$server/.extraheader" GIT_CONFIG_VALUE_0="Authorization: Basic $login"
export GIT_CONFIG_KEY_1=core.symlinks GIT_CONFIG_VALUE_1=false
count=0
while IFS= read -r name; do
    student="${name#"$prefix"}"
    [[ "$name" == "$prefix"* && "$student" =~ ^[A-Za-z0-9][A-Za-z0-9-]*$ ]] || continue
    rm -rf "${folder:?}/$student"
    # No submodules, no hooks, no large files: nothing of theirs is run or fetched from elsewhere.
    GIT_LFS_SKIP_SMUDGE=1 git clone --quiet --depth 1 --no-recurse-submodules \
        "$server/$organisation/$name.git" "$folder/$student" \
        || { mkdir -p "$folder/$student"; echo "::warning::$name could not be read" >&2; }
    count=$((count + 1))
done < <(gh repo list "$organisation" --limit 4000 --json name --jq '.[].name')
echo "$count repositories in $folder"
test "$count" -gt 0 || { echo "No repository of $organisation begins with $prefix" >&2; exit 1; }
