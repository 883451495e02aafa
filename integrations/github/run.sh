#!/usr/bin/env bash
# The work of action.yml. In: the action's inputs as INPUT_* variables, a checkout as working folder, the files that the
# runner names (GITHUB_OUTPUT, GITHUB_STEP_SUMMARY). Out: reports, job summary, annotations, outputs. It ends with 0 when
# the checks ran, whatever they found; `run.sh finish` ends with the code that they gave, after SARIF was uploaded.
#
# What commands print may hold anything, from rule files of whoever opened the pull request: it is shown while workflow
# commands are switched off, and only lines that are annotations get through. No input is ever part of a script's text.
# Written for bash 3.2, which macOS still has.
set -uo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
: "${GITHUB_OUTPUT:=/dev/null}" "${GITHUB_STEP_SUMMARY:=/dev/null}"
most_summary=1040000 # bytes; the service refuses a summary of more than 1 MiB as a whole
most_annotations=10  # of each level; the service drops further ones without a word

# --- telling ---------------------------------------------------------------------------------------------------------

secret_word() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# A value of a workflow command. Annotations have one line: line ends and the escape character itself are written as codes.
escaped() {
    local text=$1
    text=${text//'%'/%25}
    text=${text//$'\r'/%0D}
    printf '%s' "${text//$'\n'/%0A}"
}

annotate() { # level, title (ours), text (anything)
    printf '::%s title=%s::%s\n' "$1" "$2" "$(escaped "$3")"
}

# An output of the step. The delimiter is a fresh random word, so that no value can close it and add outputs of its own.
output() { # name, value
    local mark
    mark=value_$(secret_word)
    printf '%s<<%s\n%s\n%s\n' "$1" "$mark" "$2" "$mark" >>"$GITHUB_OUTPUT"
}

# Anything, into the log; no line of it is a workflow command.
show() { # title, file...
    local title=$1 word
    shift
    word=$(secret_word)
    printf '::group::%s\n::stop-commands::%s\n' "$title" "$word"
    cat -- "$@"
    printf '\n::%s::\n::endgroup::\n' "$word"
}

# Markdown into the job summary, as much of it as there is room for; what is left out is said in front of it.
summarise() { # title, file
    local used room size
    [ -s "$2" ] || return 0
    used=$([ -f "$GITHUB_STEP_SUMMARY" ] && wc -c <"$GITHUB_STEP_SUMMARY" || echo 0)
    room=$((most_summary - used - 400))
    size=$(wc -c <"$2")
    if [ "$size" -le "$room" ]; then
        cat -- "$2" >>"$GITHUB_STEP_SUMMARY"
    elif [ "$room" -gt 0 ]; then
        {
            printf '> **%s is shortened**: a job summary holds 1 MiB. The whole text is in the reports of this run.\n\n' "$1"
            LC_ALL=C awk -v room="$room" '{ room -= length($0) + 1; if (room < 0) exit; print }' "$2"
        } >>"$GITHUB_STEP_SUMMARY"
    else
        annotate notice "acrscan $1" "The job summary is full; the text is in the reports of this run."
    fi
    printf '\n\n' >>"$GITHUB_STEP_SUMMARY"
}

# --- exit codes ------------------------------------------------------------------------------------------------------

code=0
# Of several codes the one that weighs most: interrupted, internal, scope, usage, partial, findings, incomplete.
weigh() {
    local one
    for one in 130 5 4 2 6 1 3; do
        if [ "$1" = "$one" ] || [ "$code" = "$one" ]; then
            code=$one
            return
        fi
    done
    [ "$1" = 0 ] || code=5 # a code of nobody's: killed, or no program at all
}

refuse() { # what is wrong, what to do
    annotate error acrscan "$1. $2"
    printf '%s\n' "**acrscan**: $(printf '%s' "$1" | tr -c '[:alnum:] .,:/=_-' '?')" >>"$GITHUB_STEP_SUMMARY"
    output exit-code 2
    exit 0
}

if [ "${1:-}" = finish ]; then
    case ${EXIT_CODE:-} in
    '' | *[!0-9]*)
        annotate error acrscan "The run ended without an exit code; see the step before this one."
        exit 5
        ;;
    *) exit "$EXIT_CODE" ;;
    esac
fi

# --- inputs ----------------------------------------------------------------------------------------------------------

# The lines of a text that are not empty, without blanks around them, into the array `found`.
found=()
lines() {
    local line
    found=()
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line//$'\r'/}
        line=${line#"${line%%[![:space:]]*}"}
        line=${line%"${line##*[![:space:]]}"}
        [ -z "$line" ] || found+=("$line")
    done <<<"$1"
}

command=${INPUT_COMMAND:-check-policies}
pack=${INPUT_PACK:-} waivers=${INPUT_WAIVERS:-} snapshot=${INPUT_SNAPSHOT:-} fail_on=${INPUT_FAIL_ON:-}
case ${INPUT_NO_LOOSENING:-false} in
true | false) ;;
*) refuse "no-loosening is neither true nor false" "Correct the input." ;;
esac
case ${INPUT_BASE_BROKEN:-stop} in
stop | ok) ;;
*) refuse "base-broken is neither stop nor ok" "Correct the input." ;;
esac
temporary=${RUNNER_TEMP:-${TMPDIR:-/tmp}}
reports=${INPUT_REPORTS:-$temporary/acrscan-$command-$(secret_word)}
mkdir -p -- "$reports" || refuse "the folder for reports cannot be made" "Choose another for the input reports."
reports=$(cd -- "$reports" && pwd)
output reports "$reports"
work=$(mktemp -d "$temporary/acrscan-work.XXXXXX") || refuse "there is no temporary folder" "Set RUNNER_TEMP."
trap 'rm -rf -- "$work"' EXIT
touch -- "$work/start" "$work/ends" "$work/annotations" "$work/written"

# --- acrscan itself --------------------------------------------------------------------------------------------------

# -I: nothing of the checkout (venv.py, pip.py, sitecustomize.py) is imported instead of what is meant.
python=$(command -v python3 || command -v python || true)
[ -n "$python" ] || refuse "there is no Python" "Set the input python."
acrscan=acrscan
install() {
    local place source=$1 log=$reports/install.txt
    place=$temporary/acrscan-$(secret_word)
    "$python" -I -m venv "$place" >"$log" 2>&1 || return 1
    python=$place/bin/python
    [ -x "$python" ] || python=$place/Scripts/python.exe
    acrscan=$(dirname -- "$python")/acrscan
    if [ -f "$here/../../requirements-dev.lock" ]; then # the versions that its own tests ran with
        sed -n 's/^\([A-Za-z0-9._-]*\)\(\[[^]]*\]\)\{0,1\}==\([^ ;\\]*\).*/\1==\3/p' "$here/../../requirements-dev.lock" >"$place/versions.txt"
        "$python" -I -m pip install --quiet --disable-pip-version-check --constraint "$place/versions.txt" -- "$source" >>"$log" 2>&1
    else
        "$python" -I -m pip install --quiet --disable-pip-version-check -- "$source" >>"$log" 2>&1
    fi
}
case ${INPUT_VERSION:-} in
installed)
    command -v acrscan >/dev/null || refuse "there is no acrscan on PATH" "Install it before, or leave out the input version."
    ;;
'')
    [ -f "$here/../../pyproject.toml" ] || refuse "this action comes without acrscan itself" "Set the input version."
    source_folder=$(cd -- "$here/../.." && pwd)
    install "$source_folder" || { show "installing acrscan" "$reports/install.txt"; refuse "acrscan could not be installed" "The log above says why."; }
    ;;
[0-9]*)
    install "acrscan==$INPUT_VERSION" || { show "installing acrscan" "$reports/install.txt"; refuse "acrscan could not be installed" "The log above says why."; }
    ;;
-*) refuse "the version begins with a dash" "Name a release, or anything pip installs." ;;
*)
    install "$INPUT_VERSION" || { show "installing acrscan" "$reports/install.txt"; refuse "acrscan could not be installed" "The log above says why."; }
    ;;
esac
"$acrscan" --version || refuse "acrscan does not start" "The log above says why."

# --- running it ------------------------------------------------------------------------------------------------------

told='' # whether lint has told why rules do not load
# One command in several formats. Text goes to the log, the rest into files named after the check. Where nothing was
# written, the command's own last words become the annotation: a check that could not run is never silent.
# check NAME 'FORMATS' WORD... (options, then -- and paths; the format is put behind the words of the command)
check() {
    local name=$1 formats=$2 words=$3 format file status first=''
    shift 3
    for format in $formats; do
        file=$reports/$name.$(suffix "$format")
        rm -f -- "$file"
        # shellcheck disable=SC2086 # the words of a command are ours
        "$acrscan" $words -f "$format" -o "$file" "$@" >"$work/out" 2>"$work/err"
        status=$?
        weigh "$status"
        if [ -z "$first" ]; then
            first=yes
            # Beside a report some commands tell the same on stdout once more.
            [ ! -s "$file" ] || cp -- "$file" "$work/out"
            show "$words" "$work/out" "$work/err"
            [ "$status" = 0 ] || ended "$words" "$status"
            if [ ! -s "$file" ]; then
                printf 'no report was written\n' >>"$work/err"
                [ "$status" != 0 ] || weigh 5
                # Rules that do not load stop every check in the same words; lint has told each mistake at its place.
                [ -n "$told" ] || annotate error "acrscan $words" "$(tail -n 20 "$work/err")" >>"$work/annotations"
            elif [ "$name" = lint ] && [ "$status" = 2 ]; then
                told=yes
            fi
        fi
    done
    [ ! -s "$reports/$name.json" ] || printf '%s\0' "$reports/$name.json" >>"$work/written"
    [ ! -f "$reports/$name.md" ] || summarise "$words" "$reports/$name.md"
    [ ! -f "$reports/$name.annotations.txt" ] || cat -- "$reports/$name.annotations.txt" >>"$work/annotations"
}

# Why a command did not end well, for the summary; nothing of it is markup.
ended() { # words, status
    local last
    last=$(tail -n 1 "$work/err" | tr -d '`\r')
    printf -- "- acrscan %s: \`%s\`\n" "$1" "${last:-exit $2}" >>"$work/ends"
}

suffix() {
    case $1 in
    text) echo txt ;;
    github) echo annotations.txt ;;
    markdown) echo md ;;
    *) echo "$1" ;;
    esac
}

# The annotations of all commands: only lines that are some, errors first, no more of a level than the service keeps.
tell_annotations() {
    local level number
    for level in error warning notice; do
        grep "^::${level}[ :]" "$work/annotations" | head -n "$most_annotations"
        number=$(grep -c "^::${level}[ :]" "$work/annotations")
        if [ "$number" -gt "$most_annotations" ]; then
            printf '%s more annotations of level %s are in the job summary and the reports.\n' "$((number - most_annotations))" "$level"
        fi
    done
}

check_policies() {
    local base=${INPUT_BASE:-} release=${INPUT_RELEASE:-} checks name mutate_since=() paths=() gates=() fail=() test_gate=() score=() accepted=() scope=() broken=()
    lines "${INPUT_PATHS:-}"
    paths=(${found[@]+"${found[@]}"})
    [ ${#paths[@]} != 0 ] || [ -z "$pack" ] || paths=("$pack")
    if [ -z "$base" ] && [ -n "${GITHUB_BASE_REF:-}" ]; then
        base=origin/$GITHUB_BASE_REF
    fi
    checks=${INPUT_CHECKS:-}
    if [ -z "${checks//[[:space:]]/}" ]; then
        checks=''
        [ ${#paths[@]} = 0 ] || checks='lint test'
        [ -z "$base" ] || [ ${#paths[@]} = 0 ] || checks="$checks mutate"
        [ -z "$base$release" ] || [ -z "$pack" ] || checks="$checks diff"
        [ -z "$base" ] || [ -z "$pack" ] || checks="$checks impact"
        [ -z "$waivers" ] || checks="$checks waivers"
        [ -n "$checks" ] || refuse "there is nothing to check" "Name a pack, paths or a waiver file."
    fi
    for name in $checks; do
        case $name in
        lint | test | mutate) [ ${#paths[@]} != 0 ] || refuse "the check $name needs a pack or paths" "Set the input pack." ;;
        diff | impact)
            [ -n "$pack" ] || refuse "the check $name needs a pack" "Set the input pack."
            [ -n "$base" ] || { [ "$name" = diff ] && [ -n "$release" ]; } ||
                refuse "the check $name needs a base" "Set the input base, or leave it out of the checks."
            ;;
        waivers) [ -n "$waivers" ] || refuse "the check waivers needs a waiver file" "Set the input waivers." ;;
        *) refuse "there is no check $name" "Known: lint, test, mutate, diff, impact, waivers." ;;
        esac
    done

    [ -z "$fail_on" ] || fail=("--fail-on=$fail_on")
    [ -z "$waivers" ] || accepted=("--waivers=$waivers")
    [ -z "${INPUT_MIN_BRANCH:-}" ] || test_gate=(--coverage "--min-branch=$INPUT_MIN_BRANCH")
    [ -z "${INPUT_MIN_SCORE:-}" ] || score=("--min-score=$INPUT_MIN_SCORE")
    [ -z "$base" ] || mutate_since=("--changed-since=$base")
    [ "${INPUT_BASE_BROKEN:-stop}" = stop ] || broken=(--base-broken=ok)
    lines "${INPUT_PROFILE:-}"
    for name in ${found[@]+"${found[@]}"}; do scope+=("--profile=$name"); done
    [ -z "$snapshot" ] || scope+=("--snapshot=$snapshot")
    # A fork cannot have the snapshot: impact says so and takes the sample estate. Elsewhere a missing one is an error.
    [ "${INPUT_FORK:-}" != true ] || scope+=(--estate=synthetic)
    lines "${INPUT_MAX_NEW:-}"
    for name in ${found[@]+"${found[@]}"}; do gates+=("--max-new=$name"); done
    [ "${INPUT_NO_LOOSENING:-false}" != true ] || gates+=(--no-loosening)

    for name in $checks; do
        case $name in
        lint) check lint 'text github sarif markdown json' 'policy lint' ${fail[@]+"${fail[@]}"} ${accepted[@]+"${accepted[@]}"} -- "${paths[@]}" ;;
        test) check test 'text github markdown json' 'policy test' ${test_gate[@]+"${test_gate[@]}"} -- "${paths[@]}" ;;
        mutate) check mutate 'text github markdown' 'policy mutate' ${mutate_since[@]+"${mutate_since[@]}"} ${score[@]+"${score[@]}"} -- "${paths[@]}" ;;
        diff) check diff 'text github markdown' 'policy diff' "--base=${release:-$base}" "--pack=$pack" ${broken[@]+"${broken[@]}"} ;;
        impact) check impact 'text github markdown json' 'policy impact' "--base=$base" "--pack=$pack" ${broken[@]+"${broken[@]}"} ${scope[@]+"${scope[@]}"} ${accepted[@]+"${accepted[@]}"} ${gates[@]+"${gates[@]}"} ;;
        waivers) check_waivers ;;
        esac
    done
    [ ! -s "$reports/lint.sarif" ] || output sarif "$reports/lint.sarif"
}

# `waiver check` has one format, text: it goes to the log, and its last words to the summary.
check_waivers() {
    local status options=()
    [ -z "$pack" ] || options=("--pack=$pack")
    "$acrscan" waiver check ${options[@]+"${options[@]}"} -- "$waivers" >"$reports/waivers.txt" 2>"$work/err"
    status=$?
    weigh "$status"
    show 'waiver check' "$reports/waivers.txt" "$work/err"
    if [ "$status" != 0 ]; then
        annotate error 'acrscan waiver check' "$(head -n 20 "$reports/waivers.txt" "$work/err" | grep -v '^==>')" >>"$work/annotations"
        ended 'waiver check' "$status"
    fi
}

# A scan (of Azure or what it answered) or a check (of what a repository holds): $command is the one that was asked for.
scan() {
    local options=() paths=() one status file
    lines "${INPUT_PATHS:-}"
    paths=(${found[@]+"${found[@]}"})
    [ -z "$pack" ] || options+=("--pack=$pack")
    lines "${INPUT_PROFILE:-}"
    for one in ${found[@]+"${found[@]}"}; do options+=("--profile=$one"); done
    [ -z "$waivers" ] || options+=("--waivers=$waivers")
    [ -z "${INPUT_BASELINE:-}" ] || options+=("--baseline=$INPUT_BASELINE")
    [ -z "$snapshot" ] || options+=("--snapshot=$snapshot")
    [ -z "$fail_on" ] || options+=("--fail-on=$fail_on")
    lines "${INPUT_ARGUMENTS:-}"
    options+=(${found[@]+"${found[@]}"})
    "$acrscan" "$command" ${options[@]+"${options[@]}"} --color=never --sarif-profile=github --markdown-for=summary \
        -f sarif -f html -f markdown -f json -f ndjson -o "$reports" -- ${paths[@]+"${paths[@]}"} >"$work/out" 2>"$work/err"
    status=$?
    weigh "$status"
    show "$command" "$work/out" "$work/err"
    if [ "$status" != 0 ]; then
        annotate error "acrscan $command" "$(tail -n 1 "$work/err")" >>"$work/annotations"
        ended "$command" "$status"
    fi
    for file in md sarif json; do # what an earlier run left in a folder of one's own choice is none of this run's
        [ -s "$reports/acrscan.$file" ] && [ ! "$reports/acrscan.$file" -ot "$work/start" ] || continue
        case $file in
        md) summarise "$command" "$reports/acrscan.md" ;;
        sarif) output sarif "$reports/acrscan.sarif" ;;
        json) printf '%s\0' "$reports/acrscan.json" >>"$work/written" ;;
        esac
    done
}

case $command in
check-policies) check_policies ;;
scan | check) scan ;;
*) refuse "there is no command $command" "Known: check-policies, check, scan." ;;
esac

tell_annotations
if [ -s "$work/ends" ]; then
    { printf '\n**What stopped it**\n\n' && cat -- "$work/ends"; } >"$work/stopped"
    summarise 'the end' "$work/stopped"
fi
# Numbers of what was written; one that nobody knows is empty.
if "$python" -I "$here/counts.py" <"$work/written" >"$work/counts" 2>"$work/err"; then
    while IFS='=' read -r name value; do
        output "$name" "$value"
    done <"$work/counts"
else
    annotate error acrscan "The numbers of the reports could not be read: $(tail -n 1 "$work/err")"
    weigh 5
fi
output exit-code "$code"
exit 0
