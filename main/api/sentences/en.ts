/** English. `{{name}}` stands for a parameter of the error; a remedy is something that the reader can do. */
export const en = {
  // The host and its interface
  internal: {
    sentence: "Something went wrong that nobody foresaw.",
    remedy: "The host's log says more. Please report it.",
  },
  "unknown-code": {
    sentence: "The host reports {{code}} ({{details}}).",
    remedy: "This program does not know that code: update it.",
  },
  "invalid-input": {
    sentence: "{{field}}: {{reason}}.",
    remedy: "Correct the value and try again.",
  },
  "body-too-large": {
    sentence: "The request is larger than {{max}} bytes.",
    remedy: "Send less at once.",
  },
  "procedure-unknown": {
    sentence: "The host has no procedure {{procedure}}.",
    remedy: "Host and client are of different versions: restart the host with this version.",
  },
  "too-many-streams": {
    sentence: "{{max}} clients follow the host's events already.",
    remedy: "Close one of them.",
  },
  "service-unavailable": {
    sentence: "This host runs no {{service}}.",
    remedy: "Start it with an identity and a network: montana init, then montana start --network NAME.",
  },
  "task-running": {
    sentence: "A {{kind}} is running already ({{id}}).",
    remedy: "Wait for it or cancel it.",
  },
  "task-unknown": {
    sentence: "There is no task {{id}}.",
    remedy: "Only the newest tasks are kept; start it again.",
  },
  "task-cancelled": {
    sentence: "The {{kind}} was cancelled.",
    remedy: "Start it again when you want to.",
  },
  "host-not-running": {
    sentence: "No host runs on {{directory}}.",
    remedy: "Start one: montana start --network NAME. Another data directory is chosen with --data-dir.",
  },
  "host-running": {
    sentence: "Process {{pid}} runs on {{directory}} already.",
    remedy: "Use it as it is, stop it with montana stop, or choose another directory with --data-dir.",
  },
  "host-starting": {
    sentence: "Another process holds {{directory}} and does not say who it is.",
    remedy: "Wait until it has started or stopped, then try again.",
  },
  "host-not-answering": {
    sentence: "Process {{pid}} holds {{directory}} and does not answer.",
    remedy: "Wait a little; if it stays so, end process {{pid}} and start again.",
  },
  "host-newer": {
    sentence: "Process {{pid}} is a newer version of this program.",
    remedy: "Update this program, or stop the other one first.",
  },
  "host-lost": {
    sentence: "The connection to the host broke before it answered.",
    remedy: "See with montana status whether it still runs; what was asked may have been done.",
  },
  "other-network": {
    sentence: "The host runs on the network {{running}}, not on {{asked}}.",
    remedy: "Leave --network out, or stop the host and start it on {{asked}}.",
  },
  "directory-unusable": {
    sentence: "{{directory}} cannot be used: {{errno}}.",
    remedy: "Choose a directory that you may write to with --data-dir.",
  },
  "port-in-use": {
    sentence: "Port {{port}} cannot be opened: {{errno}}.",
    remedy: "Choose another one with --metrics-port.",
  },
  "stop-timeout": {
    sentence: "{{part}} did not stop within {{seconds}} seconds and was ended.",
    remedy: "Nothing decided is lost. The log says what it was doing.",
  },

  // The command line
  "command-unknown": {
    sentence: "There is no command {{command}}.",
    remedy: "montana help lists them.",
  },
  usage: {
    sentence: "{{reason}}.",
    remedy: "montana help {{command}} says what it takes.",
  },
  "words-needed": {
    sentence: "The 24 words are needed.",
    remedy: "Type them at the prompt, or give them by --words-file or through a pipe; never as arguments.",
  },
  "file-exists": {
    sentence: "{{file}} is there already.",
    remedy: "Choose another name.",
  },
  "file-unreadable": {
    sentence: "{{file}} cannot be read: {{errno}}.",
    remedy: "Check the name and the permissions.",
  },
  "file-unwritable": {
    sentence: "{{file}} cannot be written: {{errno}}.",
    remedy: "Check the folder, the permissions and the free space.",
  },
  "network-needed": {
    sentence: "It was not said on which network to start.",
    remedy: "Add --network: solo (a network of your own), montana, or a network file.",
  },
  "amount-invalid": {
    sentence: "{{text}} is no amount.",
    remedy: "Write it as 13 or 0.5 (in Ɉ, at most nine digits after the point).",
  },

  // Networks
  "network-unknown": {
    sentence: "There is no network {{network}}.",
    remedy: "Use solo, montana, a network that was started here before, or the path of a network file.",
  },
  "network-file-invalid": {
    sentence: "{{file}}, line {{line}}, column {{column}}: {{field}} {{reason}}.",
    remedy: "Correct the file and start again.",
  },
  "network-file-unreadable": {
    sentence: "{{file}} cannot be read: {{errno}}.",
    remedy: "Check the name and the permissions.",
  },
  "network-genesis-missing": {
    sentence: "{{file}} is a manifest of {{network}}, and this program does not know that network's genesis.",
    remedy: "Ask for its network file, which has a genesis section.",
  },
  "network-differs": {
    sentence: "{{directory}} belongs to another network that is called {{network}}, too.",
    remedy: "Use another --data-dir, or move that folder away if you do not need it.",
  },
  "manifest-needed": {
    sentence: "The addresses of the nodes of {{network}} are not public.",
    remedy: "Ask an operator for genesis-manifest.json, then: montana start --network genesis-manifest.json",
  },
  "solo-of-another-identity": {
    sentence: "The solo network in {{file}} was made by another identity.",
    remedy: "Restore that identity, or use another --data-dir.",
  },
  "profile-conflict": {
    sentence: "The network file says profile {{manifest}}, the configuration says {{local}}.",
    remedy: "Leave --profile out.",
  },
  "admission-conflict": {
    sentence: "The network file says admission {{manifest}}, the configuration says {{local}}.",
    remedy: "Leave --admission out.",
  },
  "manifest-too-large": {
    sentence: "{{file}} is too large for a manifest.",
    remedy: "Check that it is the right file.",
  },
  json: {
    sentence: "{{file}} is no manifest: {{field}} is missing or of another type.",
    remedy: "Ask for the file again.",
  },
  "empty-peers": {
    sentence: "{{file}} names no peers.",
    remedy: "Ask for the file again.",
  },
  "too-many-peers": {
    sentence: "{{file}} names {{peers}} peers, more than 1024.",
    remedy: "Ask for the file again.",
  },
  "no-bootstrap": {
    sentence: "{{file}} marks no peer as bootstrap.",
    remedy: "Ask for the file again.",
  },
  "multiple-bootstrap": {
    sentence: "{{file}} marks several peers as bootstrap.",
    remedy: "Ask for the file again.",
  },
  "invalid-hex-length": {
    sentence: "{{file}}: {{field}} of peer {{peer}} has {{actual}} characters instead of 64.",
    remedy: "Ask for the file again.",
  },
  "unknown-profile": {
    sentence: "{{file}} asks for the profile {{profile}}, which this program does not know.",
    remedy: "Update the program.",
  },
  "unknown-admission": {
    sentence: "{{file}} asks for the admission rule {{admission}}, which this program does not know.",
    remedy: "Update the program.",
  },
  "parameters-differ": {
    sentence: "The parameters of {{network}} are not those of the network of that name.",
    remedy: "Do not use this file: it would lead to another network. Ask for the right one.",
  },
  "genesis-roots-differ": {
    sentence: "The genesis of {{network}} is not that of the network of that name.",
    remedy: "Do not use this file: it would lead to another network. Ask for the right one.",
  },
  "genesis-state-hash-differs": {
    sentence: "The genesis of {{network}} is not the one that its file names.",
    remedy: "The file was changed or damaged: ask for it again.",
  },
  "genesis-not-finalized": {
    sentence: "The genesis of {{network}} still has blank fields.",
    remedy: "Ask for the file of the running network.",
  },

  // Identity and passphrase
  "identity-missing": {
    sentence: "There is no identity in {{directory}}.",
    remedy: "Make one with montana init, or bring yours with montana restore or montana import.",
  },
  "identity-exists": {
    sentence: "There is an identity in {{directory}} already.",
    remedy: "Use it, or choose another directory with --data-dir.",
  },
  "key-file-damaged": {
    sentence: "The key file {{file}} is damaged ({{reason}}).",
    remedy: "Restore the identity from its 24 words into a new directory.",
  },
  "key-file-newer": {
    sentence: "The key file {{file}} was written by a newer version of this program.",
    remedy: "Update this program.",
  },
  "key-file-refused": {
    sentence: "The key file {{file}} asks for {{field}} {{value}}, which is not safe.",
    remedy: "It was not written by this program: restore the identity from its 24 words.",
  },
  "key-file-forged": {
    sentence: "The {{part}} part of the key file was made by someone who does not have its keys.",
    remedy: "Somebody changed the file: restore the identity from its 24 words into a new directory.",
  },
  "key-file-changed": {
    sentence: "Another process changed the key file.",
    remedy: "Stop the other process and start again.",
  },
  "file-failed": {
    sentence: "{{file}}: {{operation}} failed with {{errno}}.",
    remedy: "Check the folder, the permissions and the free space.",
  },
  "machine-key-missing": {
    sentence: "What this machine kept to open the node key ({{kind}}) is gone.",
    remedy: "Unlock with your passphrase: a new one is made.",
  },
  "machine-key-unavailable": {
    sentence: "This machine's {{kind}} did not give the key of the node ({{step}}).",
    remedy: "Unlock your session's keychain, or start with the credential, then try again.",
  },
  "machine-key-mismatch": {
    sentence: "This machine's {{kind}} holds the key of another identity.",
    remedy: "Unlock with your passphrase: a new one is made.",
  },
  "wrong-passphrase": {
    sentence: "The passphrase is wrong.",
    remedy: "Type it again. A forgotten passphrase is replaced by restoring from the 24 words.",
  },
  "passphrase-needed": {
    sentence: "A passphrase is needed and there is no terminal to ask at.",
    remedy: "Give it by --passphrase-file, the variable MONTANA_PASSPHRASE or a systemd credential montana-passphrase.",
  },
  "passphrase-too-short": {
    sentence: "The passphrase has {{characters}} characters, fewer than {{min}}.",
    remedy: "Choose a longer one; several words are easy to remember.",
  },
  "passphrase-too-long": {
    sentence: "The passphrase is longer than {{max}} bytes.",
    remedy: "Choose a shorter one.",
  },
  "passphrase-not-one-line": {
    sentence: "The passphrase is not one line of text.",
    remedy: "Write it as one line in UTF-8.",
  },
  "passphrases-differ": {
    sentence: "The two passphrases differ.",
    remedy: "Try again.",
  },
  "passphrase-cancelled": {
    sentence: "No passphrase was given.",
    remedy: "Start the command again when you want to go on.",
  },
  "account-locked": {
    sentence: "The account is locked.",
    remedy: "Unlock it with your passphrase.",
  },
  "signer-closed": {
    sentence: "The node's key has been closed.",
    remedy: "The host is stopping: start it again.",
  },
  "not-a-node-message": {
    sentence: "The node's key signs nothing that moves money.",
    remedy: "Unlock the account with your passphrase.",
  },
  "words-unknown": {
    sentence: "This identity has no words to show ({{reason}}).",
    remedy: "Keep its key file and its passphrase: they are the only way back.",
  },
  "phrase-not-text": {
    sentence: "What was given is no text.",
    remedy: "Give the 24 words as UTF-8 text.",
  },
  "phrase-too-long": {
    sentence: "What was given is longer than 24 words can be.",
    remedy: "Give the 24 words and nothing else.",
  },
  "word-count": {
    sentence: "These are not 24 words.",
    remedy: "Give all 24 words in their order.",
  },
  "unknown-word": {
    sentence: "Word {{position}} is not in the list of words.",
    remedy: "Check its spelling.",
  },
  "checksum-mismatch": {
    sentence: "These 24 words do not belong together.",
    remedy: "Check each word and the order.",
  },
  "already-ephemeral": {
    sentence: "This identity has no words already.",
    remedy: "Nothing is to be done.",
  },
  "not-recoverable": {
    sentence: "This identity has no master seed.",
    remedy: "Export it as version 2.",
  },
  "identity-keys-mismatch": {
    sentence: "The {{key}} key does not belong to what is stored with it.",
    remedy: "The file is damaged or forged: restore the identity from its 24 words.",
  },
  "self-test-failed": {
    sentence: "The program's own cryptography gives wrong results ({{check}}).",
    remedy: "Do not use this machine for keys; reinstall the program.",
  },
  "derivation-failed": {
    sentence: "The computation of a key ended early.",
    remedy: "Close other programs, so that memory is free, and try again.",
  },
  "bad-prefix": {
    sentence: "This is no address: it does not begin with mt.",
    remedy: "Copy the whole address again.",
  },
  "bad-character": {
    sentence: "The address holds a character that no address has.",
    remedy: "Copy the whole address again.",
  },
  "bad-length": {
    sentence: "The address is too short or too long.",
    remedy: "Copy the whole address again.",
  },
  "bad-checksum": {
    sentence: "The address has a mistake in it.",
    remedy: "Copy the whole address again.",
  },

  // Things to know
  "permissions-repaired": {
    sentence: "{{file}} could be reached by others (mode {{mode}}) and has been closed to them.",
    remedy: "If others use this machine, change the passphrase.",
  },
  "permissions-unchecked": {
    sentence: "Who may reach {{file}} was not checked on this system.",
    remedy: "Keep it in your own user folder.",
  },
  "foreign-owner": {
    sentence: "{{file}} belongs to another user ({{owner}}).",
    remedy: "Run the program as that user, or take the file over.",
  },
  "key-file-repaired": {
    sentence: "{{file}} was damaged ({{reason}}) and has been made again from its other copy.",
    remedy: "Check the disk if this happens again.",
  },
  "keychain-unavailable": {
    sentence: "The system's keychain cannot be used ({{step}}): the machine's key went to a file.",
    remedy: "Nothing is to be done; whoever can read the file can start the node, not spend.",
  },
  "passphrase-file-open": {
    sentence: "{{file}} can be read by others (mode {{mode}}).",
    remedy: "Close it: chmod 600 {{file}}",
  },
} as const;
