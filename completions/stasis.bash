# bash completion for stasis(1). Needs nothing but bash; names of domains and snapshots are asked of the program itself,
# which only reads for that and waits for nobody.

_stasis_common='-h --help --json -q --quiet --verbose -c --connect --root --lock-wait'

# The options of a command, its own only.
_stasis_options() {
    case $1 in
        define) echo '--file --lenient --syntax --dry-run' ;;
        define-as) echo '--name --memory --vcpus --title --description --disk --network --serial --channel --vnc' \
            '--qemu-arg --machine --kernel --initrd --cmdline --dry-run' ;;
        undefine | destroy | suspend | resume) echo '--domain --dry-run' ;;
        start) echo '--domain --paused --dry-run' ;;
        shutdown) echo '--domain --wait --dry-run' ;;
        list) echo '--all --inactive --name --uuid' ;;
        dominfo | domstate | dumpxml) echo '--domain' ;;
        domblklist) echo '--domain --details' ;;
        snapshot-create) echo '--domain --path -n --name --description --config --disk-only --live --memory-path' \
            '--compress --internal --external --disk --internal-pause-limit --dry-run' ;;
        snapshot-list) echo '--domain --tree -l --long --name --parent --topological --roots --leaves --from' \
            '--descendants' ;;
        snapshot-info | snapshot-dumpxml | snapshot-parent) echo '--domain --snapshotname' ;;
        snapshot-current) echo '--domain --name' ;;
        snapshot-revert) echo '--domain --snapshotname --running --paused --force --dry-run' ;;
        snapshot-delete) echo '--domain --snapshotname --children --dry-run' ;;
        memory-export) echo '--domain --snapshotname --file --dry-run' ;;
        version) ;;
        completion) echo '--shell' ;;
        help) echo '--command' ;;
    esac
}

_stasis_commands='define define-as undefine start shutdown destroy suspend resume list dominfo domstate domblklist dumpxml
snapshot-create snapshot-list snapshot-info snapshot-dumpxml snapshot-current snapshot-parent snapshot-revert
snapshot-delete memory-export version completion help'

# Whether an option is followed by a value.
_stasis_takes_value() {
    case $1 in
        -c | --connect | --root | --lock-wait | --file | --syntax | --memory | --vcpus | --title | --description | --disk | \
            --network | --serial | --channel | --vnc | --qemu-arg | --machine | --kernel | --initrd | --cmdline | --domain | \
            --wait | --path | -n | --config | --memory-path | --compress | --internal-pause-limit | --from | \
            --snapshotname | --shell | --command) return 0 ;;
        --name) [[ $2 == define-as || $2 == snapshot-create ]] ;;
        *) return 1 ;;
    esac
}

# Joins what bash cut at ":" and "=" ("fake:///"): the words up to the cursor go to _stasis_words.
_stasis_split() {
    local line=${COMP_LINE:0:COMP_POINT} word glued
    _stasis_words=()
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        glued=1
        if [[ ${#_stasis_words[@]} == 0 || $line == [[:space:]]* ]]; then glued=0; fi
        line=${line#"${line%%[![:space:]]*}"}
        if [[ $line != "$word"* ]]; then word=$line; fi
        line=${line#"$word"}
        if [[ $glued == 1 && -n $word ]]; then
            _stasis_words[-1]+=$word
        elif [[ $glued == 0 ]]; then
            _stasis_words+=("$word")
        fi
    done
}

# Without quotes and backslashes, as the program will see it.
_stasis_bare() {
    local word=${1//\\/}
    word=${word//\"/}
    printf '%s' "${word//\'/}"
}

# Offers the lines of standard input that begin with the current word.
_stasis_offer_lines() {
    local current=$1 keep=$2 name quoted
    while IFS= read -r name; do
        [[ -n $name && $name == "$(_stasis_bare "$current")"* ]] || continue
        printf -v quoted '%q' "$name"
        COMPREPLY+=("${quoted:${#keep}}")
    done
}

_stasis_offer_names() {
    local current=$1 keep=$2
    shift 2
    _stasis_offer_lines "$current" "$keep" < <("${_stasis_program[@]}" "$@" 2>/dev/null)
}

_stasis_offer_words() {
    local current=$1
    shift
    # shellcheck disable=SC2207  # words without blanks
    COMPREPLY+=($(compgen -W "$*" -- "$current"))
}

_stasis_offer_value() {
    local option=$1 current=$2 keep=$3 domain=$4
    case $option in
        --domain) _stasis_offer_names "$current" "$keep" list --all --name ;;
        --snapshotname | --from)
            [[ -n $domain ]] && _stasis_offer_names "$current" "$keep" snapshot-list --name -- "$domain" ;;
        -c | --connect) _stasis_offer_lines "$current" "$keep" <<<$'qemu:///\nfake:///' ;;
        --compress) _stasis_offer_words "$current" none lz4 zstd ;;
        --syntax) _stasis_offer_words "$current" auto xml xlcfg ;;
        --shell) _stasis_offer_words "$current" bash ;;
        --command) _stasis_offer_words "$current" "$_stasis_commands" ;;
        --network) _stasis_offer_words "$current" user bridge= tap= ;;
        --root) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
        --file | --kernel | --initrd | --channel | --vnc | --path | --config | --memory-path)
            compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    esac
}

# What the N-th positional of a command is called as an option.
_stasis_positional() {
    case $1:$2 in
        define:1) echo --file ;;
        completion:1) echo --shell ;;
        help:1) echo --command ;;
        define-as:* | list:* | version:*) ;;
        snapshot-create:2) echo --path ;;
        snapshot-list:2 | snapshot-create:3) ;;
        snapshot-*:2 | memory-export:2) echo --snapshotname ;;
        memory-export:3) echo --file ;;
        *:1) echo --domain ;;
    esac
}

_stasis() {
    local -a _stasis_words _stasis_program
    COMPREPLY=()
    _stasis_split
    local last=$((${#_stasis_words[@]} - 1))
    local current=${_stasis_words[last]} command='' domain='' option='' word positionals=0 i
    _stasis_program=("${_stasis_words[0]}")
    for ((i = 1; i < last; i++)); do
        word=$(_stasis_bare "${_stasis_words[i]}")
        if [[ -n $option ]]; then
            case $option in
                -c | --connect | --root) _stasis_program+=("$option" "$word") ;;
                --domain) domain=$word positionals=$((positionals + 1)) ;;
            esac
            option=''
        elif [[ $word == --connect=* || $word == --root=* ]]; then
            _stasis_program+=("$word")
        elif [[ $word == -?* ]]; then
            if _stasis_takes_value "$word" "$command"; then option=$word; fi
        elif [[ -z $command ]]; then
            command=$word
        else
            positionals=$((positionals + 1))
            if [[ $positionals == 1 ]]; then domain=$word; fi
        fi
    done
    # bash replaces only what follows the last ":" or "=" of the word.
    local keep=''
    if [[ $current == *[:=]* && $COMP_WORDBREAKS == *:* ]]; then keep=${current%"${current##*[:=]}"}; fi
    if [[ -n $option ]]; then
        _stasis_offer_value "$option" "$current" "$keep" "$domain"
    elif [[ $current == -* && -z $command ]]; then
        _stasis_offer_words "$current" "$_stasis_common" -v --version
    elif [[ $current == -* ]]; then
        _stasis_offer_words "$current" "$_stasis_common" "$(_stasis_options "$command")"
    elif [[ -z $command ]]; then
        _stasis_offer_words "$current" "$_stasis_commands"
    else
        _stasis_offer_value "$(_stasis_positional "$command" $((positionals + 1)))" "$current" "$keep" "$domain"
    fi
}

complete -F _stasis stasis
