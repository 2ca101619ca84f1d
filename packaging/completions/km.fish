# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_km_global_optspecs
    string join \n config= team-settings= log= log-format= json h/help V/version
end

function __fish_km_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_km_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_km_using_subcommand
    set -l cmd (__fish_km_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c km -n "__fish_km_needs_command" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_needs_command" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_needs_command" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_needs_command" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_needs_command" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_needs_command" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_needs_command" -s V -l version -d 'Print version'
complete -c km -n "__fish_km_needs_command" -f -a "check" -d 'Look whether everything is in place: settings, server, login, mount, rights'
complete -c km -n "__fish_km_needs_command" -f -a "read" -d 'Print a provider secret, as a gateway would get it'
complete -c km -n "__fish_km_needs_command" -f -a "write" -d 'Write a secret; the value is read from stdin'
complete -c km -n "__fish_km_needs_command" -f -a "delete" -d 'Delete the latest version of a secret; it can be undeleted'
complete -c km -n "__fish_km_needs_command" -f -a "list" -d 'List the names of secrets; folders end in a slash'
complete -c km -n "__fish_km_needs_command" -f -a "key" -d 'Virtual keys, which a gateway hands out: store, read, list, rotate, rename, delete'
complete -c km -n "__fish_km_needs_command" -f -a "exec" -d 'Run a program with the secrets that a configuration refers to in its environment'
complete -c km -n "__fish_km_needs_command" -f -a "serve" -d 'Serve secrets and virtual keys to a gateway on this machine, which needs no login then'
complete -c km -n "__fish_km_using_subcommand check" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand check" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand check" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand check" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand check" -l policy -d 'Print the least policy (HCL) that these settings need; nothing is asked'
complete -c km -n "__fish_km_using_subcommand check" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand check" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_using_subcommand read" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand read" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand read" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand read" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand read" -l bool -d 'Read it as a boolean: print true or false'
complete -c km -n "__fish_km_using_subcommand read" -l explain -d 'Tell on stderr where the value came from'
complete -c km -n "__fish_km_using_subcommand read" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand read" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_using_subcommand write" -l description -d 'A description, stored beside the value' -r
complete -c km -n "__fish_km_using_subcommand write" -l cas -d 'Write only when this is the latest version; 0: when there was never one' -r
complete -c km -n "__fish_km_using_subcommand write" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand write" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand write" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand write" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand write" -l raw -d 'Keep a trailing line ending, which is dropped otherwise'
complete -c km -n "__fish_km_using_subcommand write" -l allow-empty -d 'Take an empty value'
complete -c km -n "__fish_km_using_subcommand write" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand write" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_using_subcommand delete" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand delete" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand delete" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand delete" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand delete" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand delete" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_using_subcommand list" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand list" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand list" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand list" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand list" -l all -d 'List deleted and destroyed secrets too, marked'
complete -c km -n "__fish_km_using_subcommand list" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand list" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_using_subcommand key; and not __fish_seen_subcommand_from store read list rotate rename delete" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand key; and not __fish_seen_subcommand_from store read list rotate rename delete" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand key; and not __fish_seen_subcommand_from store read list rotate rename delete" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand key; and not __fish_seen_subcommand_from store read list rotate rename delete" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand key; and not __fish_seen_subcommand_from store read list rotate rename delete" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand key; and not __fish_seen_subcommand_from store read list rotate rename delete" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_using_subcommand key; and not __fish_seen_subcommand_from store read list rotate rename delete" -f -a "store" -d 'Store a key; the value is read from stdin. What is stored already is not written again'
complete -c km -n "__fish_km_using_subcommand key; and not __fish_seen_subcommand_from store read list rotate rename delete" -f -a "read" -d 'Print a key'
complete -c km -n "__fish_km_using_subcommand key; and not __fish_seen_subcommand_from store read list rotate rename delete" -f -a "list" -d 'List the aliases of all keys'
complete -c km -n "__fish_km_using_subcommand key; and not __fish_seen_subcommand_from store read list rotate rename delete" -f -a "rotate" -d 'Give a key a new value, which is read from stdin, and a new alias with --to'
complete -c km -n "__fish_km_using_subcommand key; and not __fish_seen_subcommand_from store read list rotate rename delete" -f -a "rename" -d 'Give a key a new alias'
complete -c km -n "__fish_km_using_subcommand key; and not __fish_seen_subcommand_from store read list rotate rename delete" -f -a "delete" -d 'Delete the latest version of a key; it can be undeleted'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from store" -l token-id -d 'The token id of a key without an alias, which is called virtual-key-ID' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from store" -l description -d 'A description, stored beside the value' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from store" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from store" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from store" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from store" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from store" -l raw -d 'Keep a trailing line ending, which is dropped otherwise'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from store" -l allow-empty -d 'Take an empty value'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from store" -l explain -d 'Tell where the key is, and do nothing'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from store" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from store" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from read" -l token-id -d 'The token id of a key without an alias, which is called virtual-key-ID' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from read" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from read" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from read" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from read" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from read" -l explain -d 'Tell where the key is, and do nothing'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from read" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from read" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from list" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from list" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from list" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from list" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from list" -l all -d 'List deleted and destroyed keys too, marked'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from list" -l explain -d 'Tell where the key is, and do nothing'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from list" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rotate" -l token-id -d 'The token id of a key without an alias, which is called virtual-key-ID' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rotate" -l to -d 'The new alias; the key keeps its own if not given' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rotate" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rotate" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rotate" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rotate" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rotate" -l raw -d 'Keep a trailing line ending, which is dropped otherwise'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rotate" -l allow-empty -d 'Take an empty value'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rotate" -l explain -d 'Tell where the key is, and do nothing'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rotate" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rename" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rename" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rename" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rename" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rename" -l explain -d 'Tell where the key is, and do nothing'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rename" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from rename" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from delete" -l token-id -d 'The token id of a key without an alias, which is called virtual-key-ID' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from delete" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from delete" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from delete" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from delete" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from delete" -l explain -d 'Tell where the key is, and do nothing'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from delete" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand key; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_using_subcommand exec" -l only -d 'A name to resolve, instead of all os.environ/NAME in the file; may be given several times' -r
complete -c km -n "__fish_km_using_subcommand exec" -l danger-env -d 'Set NAME although the loader or a shell obeys it (LD_*, PATH, BASH_* and the like) and its value comes from Vault; may be given several times' -r
complete -c km -n "__fish_km_using_subcommand exec" -l on-change -d 'What --watch does when a value changes: restart CMD, or send it SIGHUP, SIGUSR1 or SIGUSR2 [default: restart]' -r -f -a "restart\t'The program is ended, and started with the new values'
SIGHUP\t'The program is told'
SIGUSR1\t'The program is told'
SIGUSR2\t'The program is told'"
complete -c km -n "__fish_km_using_subcommand exec" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand exec" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand exec" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand exec" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand exec" -l allow-missing -d 'Start CMD although neither Vault nor the environment has a name'
complete -c km -n "__fish_km_using_subcommand exec" -l keep-credentials -d 'Leave the variables that say how to log in to Vault in CMD\'s environment'
complete -c km -n "__fish_km_using_subcommand exec" -l watch -d 'Run CMD anew when a value changes. Vault is asked within HCP_VAULT_REFRESH_INTERVAL, which is a day unless it is set'
complete -c km -n "__fish_km_using_subcommand exec" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand exec" -s h -l help -d 'Print help'
complete -c km -n "__fish_km_using_subcommand serve" -l listen -d 'Where to listen: a socket, or an address of loopback such as 127.0.0.1:8210 [default: km.sock in XDG\'s runtime directory]' -r
complete -c km -n "__fish_km_using_subcommand serve" -l token-file -d 'The file of the token that each request carries; made if there is none [default on an address: km.token in XDG\'s runtime directory]' -r -F
complete -c km -n "__fish_km_using_subcommand serve" -l metrics -d 'An address of loopback that serves /metrics alone, without a token' -r
complete -c km -n "__fish_km_using_subcommand serve" -l config -d 'LiteLLM\'s config.yaml; without it, the environment alone [env: KM_CONFIG]' -r -F
complete -c km -n "__fish_km_using_subcommand serve" -l team-settings -d 'A team\'s secret_manager_settings, for the commands on virtual keys' -r
complete -c km -n "__fish_km_using_subcommand serve" -l log -d 'What is logged to stderr, as a tracing filter [env: KM_LOG] [default: warn]' -r
complete -c km -n "__fish_km_using_subcommand serve" -l log-format -d 'How events are logged: for people, or a JSON object on a line [default: text]' -r -f -a "text\t'A line for people'
json\t'A JSON object on a line'"
complete -c km -n "__fish_km_using_subcommand serve" -l danger-no-token -d 'Serve everybody on this machine without a token'
complete -c km -n "__fish_km_using_subcommand serve" -l json -d 'Output for machines: one JSON document'
complete -c km -n "__fish_km_using_subcommand serve" -s h -l help -d 'Print help'
