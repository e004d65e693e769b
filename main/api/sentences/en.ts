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
    sentence: "This host runs no {{service|word}}.",
    remedy: "Start it with an identity and a network: montana init, then montana start --network NAME.",
    page: "Create an identity and choose a network under Join.",
  },
  "task-running": {
    sentence: "This work is under way already: {{kind|word}}.",
    remedy: "Wait for it or cancel it.",
  },
  "task-unknown": {
    sentence: "There is no task {{id}}.",
    remedy: "Only the newest tasks are kept; start it again.",
  },
  "task-cancelled": {
    sentence: "This work was cancelled: {{kind|word}}.",
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
  "host-older": {
    sentence: "Process {{pid}} is an older version of this program.",
    remedy: "Stop it with montana stop, then start this version.",
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
    sentence:
      "Port {{port}} of this computer cannot be opened: another program uses it, or the system does not allow it.",
    remedy: "Close that program or choose another port, for metrics with --metrics-port.",
  },
  "stop-timeout": {
    sentence: "{{part}} did not stop within {{seconds}} seconds and was ended.",
    remedy: "Nothing decided is lost. The log says what it was doing.",
  },

  // The page in a browser
  "update-refused": {
    sentence: "An update was refused and is not used: its {{reason}} is not what the project signs.",
    remedy: "Nothing is to be done; the program looks again later. Take updates from the project's own pages alone.",
  },
  "page-not-built": {
    sentence: "The page is not there: {{folder}} holds none.",
    remedy: "In a checkout of the source, build it: npm run page.",
  },
  "page-session-over": {
    sentence: "This page may not use the host any more.",
    remedy: "Open it anew: montana open.",
  },
  "page-code-refused": {
    sentence: "This link was used already, or is older than a minute.",
    remedy: "Open the page anew: montana open.",
  },
  "page-request-refused": {
    sentence: "The request does not come from the host's own page.",
    remedy: "Open the page with montana open.",
  },
  "page-file-unknown": {
    sentence: "The page has no such file.",
    remedy: "Load the page anew.",
  },
  "browser-not-started": {
    sentence: "No browser could be started: {{reason}}.",
    remedy: "montana open --print gives a link for a browser of your choice.",
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
  "not-confirmed": {
    sentence: "Nothing was done: nobody agreed to it.",
    remedy: "Read what it means and type yes at the question, or give --yes.",
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
    page: "Choose one under Settings, Network.",
  },
  "amount-invalid": {
    sentence: "{{text}} is no amount.",
    remedy: "Write it as 13 or 0.5 (in Ɉ, at most nine digits after the point, no comma).",
  },

  // Networks
  "nothing-stored": {
    sentence: "No host runs on {{directory}}, and no data of {{network}} lie there.",
    remedy: "Start one: montana start --network NAME. Another data directory is chosen with --data-dir.",
  },
  "networks-stored": {
    sentence: "No host runs, and there are data of several networks: {{networks}}.",
    remedy: "Say which with --network.",
  },
  "network-unknown": {
    sentence: "There is no network {{network}}.",
    remedy: "Use solo, montana, a network that was started here before, or the path of a network file.",
  },
  "asn-map-unreadable": {
    sentence: "The file {{file}} cannot be read ({{reason}}).",
    remedy: "Give --asn-map the path of a file that this user may read, or leave the option out.",
  },
  "asn-map-too-large": {
    sentence: "The map of autonomous systems is larger than this program reads.",
    remedy: "Leave out what is not needed: at most 2,000,000 networks and 64 MiB.",
  },
  "asn-map-invalid": {
    sentence: "Line {{line}} of the map of autonomous systems is not CIDR ASN.",
    remedy: "Write each network as in 192.0.2.0/24 64496, and comments after #.",
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
    page: "Move that folder away if you do not need it.",
  },
  "manifest-needed": {
    sentence: "The addresses of the nodes of {{network}} are not public.",
    remedy: "Ask an operator for genesis-manifest.json, then: montana start --network genesis-manifest.json",
    page: "Ask an operator for genesis-manifest.json and add it under Settings, Network.",
  },
  "solo-of-another-identity": {
    sentence: "The solo network in {{file}} was made by another identity.",
    remedy: "Restore that identity, or use another --data-dir.",
    page: "Restore that identity, or choose another network.",
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
    sentence: "There is no identity here yet.",
    remedy: "Make one with montana init, or bring yours with montana restore or montana import.",
    page: "Create one under Join, or restore yours there from its 24 words.",
  },
  "identity-exists": {
    sentence: "There is an identity in {{directory}} already.",
    remedy: "Use it, or choose another directory with --data-dir.",
    page: "Use it as it is.",
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
  "identities-mixed": {
    sentence: "The two copies of the key file are of different identities.",
    remedy: "Somebody put one of them there: move the wrong one away, or restore the identity from its 24 words.",
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

  // The node
  "already-a-node": {
    sentence: "This identity is a node or on its way to be one already.",
    remedy: "See montana status.",
    page: "Join shows how it stands.",
  },
  "computer-too-slow": {
    sentence: "This computer is too slow: its chain would be void before it is done.",
    remedy: "Use a faster computer, or start anyway with montana join --anyway.",
    page: "Use a faster computer, or join anyway.",
  },
  "node-not-ready": {
    sentence: "The node is still starting, or taking over the network's state.",
    remedy: "Try again when it is in step; montana status shows how far it is.",
    page: "Try again when it is in step; Network shows how far it is.",
  },
  "node-stopped": {
    sentence: "The node has stopped.",
    remedy: "The log says why. Start the host again.",
  },
  "machine-failed": {
    sentence: "The node met a state that it cannot go on from.",
    remedy: "It kept the last good state. Start the host again and report what the log says.",
  },
  "node-defect": {
    sentence: "The node met a defect of this program and stopped.",
    remedy: "Start the host again and report what the log says.",
  },
  "no-window-yet": {
    sentence: "No window has been decided yet.",
    remedy: "Wait until the first one has been.",
  },
  "state-worker-failed": {
    sentence: "The thread that keeps the store has ended.",
    remedy: "Start the host again; the store survives it.",
  },
  "timechain-not-saved": {
    sentence: "The progress of the TimeChain could not be written.",
    remedy: "Check the disk and its free space.",
  },
  "timechain-failed": {
    sentence: "The thread that computes the TimeChain has ended.",
    remedy: "Start the host again; it goes on from what was saved.",
  },
  "lifecycle-slot-damaged": {
    sentence: "One of two copies of the node's lifecycle file was damaged; the other one was used.",
    remedy: "Check the disk if this happens again.",
  },
  "lifecycle-corrupt": {
    sentence: "The node's lifecycle file is damaged in both copies.",
    remedy: "Check the disk; the node finds its place again from the state, a running candidate chain starts over.",
  },
  "lifecycle-not-own": {
    sentence: "The node's lifecycle file belongs to another identity.",
    remedy: "Use the identity that made it, or another data directory.",
  },
  "progress-slot-damaged": {
    sentence: "One of two copies of a chain's progress was damaged; the other one was used.",
    remedy: "Check the disk if this happens again.",
  },
  "progress-corrupt": {
    sentence: "The progress of a chain is damaged in both copies.",
    remedy: "Check the disk; the chain starts over from what is proven.",
  },
  "progress-missing": {
    sentence: "The progress of a chain is gone.",
    remedy: "The chain starts over from what is proven.",
  },
  "progress-of-another-chain": {
    sentence: "The file holds the progress of another chain.",
    remedy: "Do not copy such files; the chain starts over from what is proven.",
  },
  "progress-contradicts-owner": {
    sentence: "The saved progress of a chain contradicts the node's state.",
    remedy: "The chain starts over from what is proven.",
  },
  "progress-too-far-ahead": {
    sentence: "The saved progress of a chain is further than it can be.",
    remedy: "The chain starts over from what is proven.",
  },
  "slot-file-corrupt": {
    sentence: "A file of the node is damaged in both copies.",
    remedy: "Check the disk.",
  },
  "chain-thread-ended": {
    sentence: "The thread of a chain has ended.",
    remedy: "Start the host again; the chain goes on from what was saved.",
  },
  "chain-thread-busy": {
    sentence: "The thread of a chain is at work.",
    remedy: "Try again in a moment.",
  },
  "chain-stopped": {
    sentence: "The chain has been stopped.",
    remedy: "Start it again with montana join.",
    page: "Start it again under Join.",
  },
  cancelled: {
    sentence: "It was cancelled.",
    remedy: "Start it again when you want to.",
  },
  busy: {
    sentence: "The host has too much to do.",
    remedy: "Try again in a moment.",
  },

  // The store
  "store-missing": {
    sentence: "There is no store here.",
    remedy: "Check the directory.",
  },
  "store-exists": {
    sentence: "There is a store here already.",
    remedy: "Choose a directory that is not there yet.",
  },
  "store-in-use": {
    sentence: "Another program has the store open.",
    remedy: "End that program and try again.",
  },
  "store-closed": {
    sentence: "The store has been closed.",
    remedy: "The host is stopping: start it again.",
  },
  "store-failed": {
    sentence: "The store failed earlier and takes nothing more.",
    remedy: "Start the host again; the log says what failed.",
  },
  "schema-unsupported": {
    sentence: "The store was written by another version of this program.",
    remedy: "Update this program.",
  },
  "wrong-network": {
    sentence: "The store belongs to another network.",
    remedy: "Use another data directory, or move that folder away.",
  },
  "database-corrupted": {
    sentence: "The database is damaged.",
    remedy:
      "Check the disk, then restore the newest backup; without one the data of this network are fetched anew after you move its folder away.",
  },
  "record-corrupted": {
    sentence: "A record of the store is damaged.",
    remedy:
      "Check the disk, then restore the newest backup; without one the data of this network are fetched anew after you move its folder away.",
  },
  "rows-missing": {
    sentence: "Records are missing in the store.",
    remedy:
      "Check the disk, then restore the newest backup; without one the data of this network are fetched anew after you move its folder away.",
  },
  "windows-lost": {
    sentence: "Windows that had been decided are missing in the store.",
    remedy:
      "Check the disk, then restore the newest backup; without one the data of this network are fetched anew after you move its folder away.",
  },
  "header-missing": {
    sentence: "The header of a window is missing in the store.",
    remedy:
      "Check the disk, then restore the newest backup; without one the data of this network are fetched anew after you move its folder away.",
  },
  "height-file-corrupted": {
    sentence: "The file that says how far the store must be is damaged.",
    remedy:
      "Check the disk, then restore the newest backup; without one the data of this network are fetched anew after you move its folder away.",
  },
  "height-file-missing": {
    sentence: "The file that says how far the store must be is missing.",
    remedy:
      "Check the disk, then restore the newest backup; without one the data of this network are fetched anew after you move its folder away.",
  },
  "key-file-missing": {
    sentence: "The file of the accounts' public keys is missing.",
    remedy:
      "Check the disk, then restore the newest backup; without one the data of this network are fetched anew after you move its folder away.",
  },
  "key-file-corrupted": {
    sentence: "The file of the accounts' public keys is damaged.",
    remedy:
      "Check the disk, then restore the newest backup; without one the data of this network are fetched anew after you move its folder away.",
  },
  "key-file-truncated": {
    sentence: "The file of the accounts' public keys is too short.",
    remedy:
      "Check the disk, then restore the newest backup; without one the data of this network are fetched anew after you move its folder away.",
  },
  "key-slot-corrupted": {
    sentence: "A public key of an account is damaged in the store.",
    remedy:
      "Check the disk, then restore the newest backup; without one the data of this network are fetched anew after you move its folder away.",
  },
  "roots-mismatch": {
    sentence: "The records of the store do not give the roots that were decided.",
    remedy:
      "Check the disk, then restore the newest backup; without one the data of this network are fetched anew after you move its folder away.",
  },
  "corrupted-tree": {
    sentence: "A tree of the store is damaged.",
    remedy: "It is built again from the records; check the disk if this happens again.",
  },
  "signed-log-missing": {
    sentence: "The log of everything that this node signed is missing.",
    remedy: "Do not go on with this identity before its quiet period is over: it could sign twice. Check the disk.",
  },
  "signed-log-corrupted": {
    sentence: "The log of everything that this node signed is damaged.",
    remedy: "Do not go on with this identity before its quiet period is over: it could sign twice. Check the disk.",
  },
  "signed-log-mark-missing": {
    sentence: "The file that vouches for the log of signatures is missing.",
    remedy: "Do not go on with this identity before its quiet period is over: it could sign twice. Check the disk.",
  },
  "signed-log-mark-corrupted": {
    sentence: "The file that vouches for the log of signatures is damaged.",
    remedy: "Do not go on with this identity before its quiet period is over: it could sign twice. Check the disk.",
  },
  "wrong-window": {
    sentence: "This is not the window that comes next.",
    remedy: "Report it: the node tried to write windows out of order.",
  },
  "wrong-parent": {
    sentence: "This window does not follow the last one.",
    remedy: "Report it: the node tried to write a window of another chain.",
  },
  "already-signed": {
    sentence: "Something else was signed in this place already.",
    remedy: "Nothing is to be done: the node signs nothing twice.",
  },
  "window-already-decided": {
    sentence: "This window has been decided already.",
    remedy: "Nothing is to be done.",
  },
  "payload-too-large": {
    sentence: "What was to be written is too large.",
    remedy: "Report it.",
  },
  "snapshot-unavailable": {
    sentence: "The state of that window is not kept any more.",
    remedy: "Ask for a newer one.",
  },
  "disk-full": {
    sentence: "The disk is full.",
    remedy: "Free some space; the node waits and nothing decided is lost.",
  },
  "target-unusable": {
    sentence: "No folder can be made at {{file}}: {{errno}}.",
    remedy: "Choose another place, one that you may write to.",
  },
  "io-error": {
    sentence: "The disk reports an error.",
    remedy: "Check the disk. Nothing decided is lost as long as the store can be read.",
  },

  // The wallet
  "account-not-active": {
    sentence: "The network knows no account of yours that could send.",
    remedy: "Receive something first, or wait for the welcome bonus.",
  },
  "account-not-found": {
    sentence: "The network does not know the sending account.",
    remedy: "Receive something first.",
  },
  "receiver-needs-request": {
    sentence: "{{address}} has no account yet.",
    remedy: "Ask its owner for an account request (montana request create) and send to that.",
    page: "Ask its owner for an account request and send to that.",
  },
  "receiver-not-active": {
    sentence: "The receiver has no account yet.",
    remedy: "Ask its owner for an account request (montana request create) and send to that.",
    page: "Ask its owner for an account request and send to that.",
  },
  "receiver-already-exists": {
    sentence: "The receiver has an account already.",
    remedy: "Send to its address instead of to the request.",
  },
  "funds-insufficient": {
    sentence: "You have less than that in all your accounts together.",
    remedy: "Send less, or wait for money that is on its way.",
  },
  "insufficient-balance": {
    sentence: "The account has less than that.",
    remedy: "Send less, or from the other account.",
  },
  "amount-needs-two-payments": {
    sentence: "You have enough, but not in one account.",
    remedy: "Send it in two payments, or move the money to one account first.",
  },
  "creation-too-early": {
    sentence: "This account created another one too recently.",
    remedy: "Wait {{windows}} windows (until window {{window}}), or pay from your other account.",
  },
  "activation-cooldown-not-elapsed": {
    sentence: "This account created another one too recently.",
    remedy: "Wait until two weeks of windows have passed since.",
  },
  "self-transfer": {
    sentence: "Sender and receiver are the same account.",
    remedy: "Choose another receiver.",
  },
  "zero-amount": {
    sentence: "The amount is zero.",
    remedy: "Choose one above zero.",
  },
  "invalid-prev-hash": {
    sentence: "The account has moved on since this operation was made.",
    remedy: "Make it again.",
  },
  "invalid-binding": {
    sentence: "The receiver's key does not belong to its account.",
    remedy: "Ask for the request again.",
  },
  "invalid-signature": {
    sentence: "The signature is not valid.",
    remedy: "Try again; report it if it happens again.",
  },
  "unsupported-suite": {
    sentence: "The key is of a kind that this network does not know.",
    remedy: "Ask for the request again.",
  },
  "key-not-held": {
    sentence: "The account's key was changed to one that is not here.",
    remedy: "Restore the identity that holds the new key.",
  },
  "key-not-proven": {
    sentence: "Nobody has shown that the new key's secret is at hand.",
    remedy: "Restore the new identity first and prove that it is yours.",
  },
  "challenge-malformed": {
    sentence: "This is no challenge for a new key.",
    remedy: "Make one where the account's key is to change: montana key plan FILE --to REQUEST.",
    page: "Make one where the account's key is to change.",
  },
  "key-unchanged": {
    sentence: "The new key is the old one.",
    remedy: "Choose another key.",
  },
  "nothing-to-move": {
    sentence: "There is nothing on the node's account.",
    remedy: "Wait for the welcome bonus.",
  },
  "queue-full": {
    sentence: "{{max}} operations wait in this account already.",
    remedy: "Wait until some of them have settled.",
  },
  "account-busy": {
    sentence: "An operation of this account is under way.",
    remedy: "Wait until it has settled.",
  },
  "account-used-elsewhere": {
    sentence: "Another program with the same words uses this account.",
    remedy: "Use one at a time; if that was not you, move the money to a new identity at once.",
  },
  "operation-unresolved": {
    sentence: "An earlier operation is still valid although nobody confirmed it.",
    remedy: "Send it again or cancel it first.",
  },
  "operation-unknown": {
    sentence: "There is no such operation.",
    remedy: "See montana history.",
    page: "See the wallet's history.",
  },
  "operation-final": {
    sentence: "What has happened cannot be cancelled or sent again.",
    remedy: "See montana history.",
    page: "See the wallet's history.",
  },
  "operation-contradicted": {
    sentence: "Another operation of this account took the place of this one.",
    remedy: "See montana history; make it again if you still want it.",
    page: "See the wallet's history; make it again if you still want it.",
  },
  "operation-expired": {
    sentence: "Nobody confirmed the operation in time.",
    remedy: "Send it again or cancel it.",
  },
  "operation-failed": {
    sentence: "The operation failed when it was to settle.",
    remedy: "See montana history for the reason and make it again.",
    page: "See the wallet's history for the reason and make it again.",
  },
  "request-malformed": {
    sentence: "This is no account request.",
    remedy: "Ask for the request again.",
  },
  "request-newer": {
    sentence: "The account request was made by a newer version of this program.",
    remedy: "Update this program.",
  },
  "request-checksum": {
    sentence: "The account request has a mistake in it.",
    remedy: "Ask for the request again.",
  },
  "request-binding": {
    sentence: "The account request names an account that is not that of its key.",
    remedy: "Ask for the request again.",
  },
  "request-suite": {
    sentence: "The account request has a key of a kind that this program does not know.",
    remedy: "Update this program.",
  },
  "request-note": {
    sentence: "The note in the account request is too long or not text.",
    remedy: "Choose a shorter one.",
  },
  "picture-malformed": {
    sentence: "This picture is no part of an account request.",
    remedy: "Take the pictures again.",
  },
  "picture-checksum": {
    sentence: "This picture has a mistake in it.",
    remedy: "Take the pictures again.",
  },
  "picture-of-another-series": {
    sentence: "This picture belongs to another account request.",
    remedy: "Take the pictures again.",
  },
  "pictures-missing": {
    sentence: "{{missing}} of {{total}} pictures are missing.",
    remedy: "Take the rest of them.",
  },
  "wallet-file-damaged": {
    sentence: "The file of operations under way is damaged.",
    remedy: "Check the disk. What has settled is in the history; what has not is to be made again.",
  },
  "wallet-file-newer": {
    sentence: "The file of operations under way was written by a newer version of this program.",
    remedy: "Update this program.",
  },
  "wallet-file-of-another-network": {
    sentence: "The file of operations under way belongs to another network.",
    remedy: "Do not copy files between networks.",
  },
  "history-entry-unknown": {
    sentence: "There is no such entry in the history.",
    remedy: "Begin again without --before.",
    page: "Open the history anew.",
  },
  "proof-unreadable": {
    sentence: "This is no proof of an anchor.",
    remedy: "Ask for the proof again.",
  },

  // Things to know
  "fingerprint-changes": {
    sentence: "The six words by which contacts know the account change from {{before}} to {{after}}.",
    remedy: "Tell your contacts and compare the words with them again.",
  },
  "account-id-stays": {
    sentence: "The address stays: money that is sent to it still arrives.",
    remedy: "Nothing is to be done.",
  },
  "old-key-ends": {
    sentence: "From the window after it settles the old key opens nothing.",
    remedy: "Make a new backup: one with the old key alone is worth nothing then.",
  },
  "key-leaves-this-identity": {
    sentence: "This identity does not hold the new key: this program could not send from the account any more.",
    remedy: "Go on only if you have the new key's words at hand.",
  },
  "key-opened-by-machine": {
    sentence: "This machine opens the new key without the passphrase.",
    remedy: "Choose a key that only the passphrase opens.",
  },
  "key-shared": {
    sentence: "One key would sign for two of your accounts: who gets it has both.",
    remedy: "Choose a key of its own for each account.",
  },
  "key-names-another-account": {
    sentence: "The new key names an account of its own, which is another one.",
    remedy: "Do not let anybody send to that other address by mistake.",
  },
  "value-out-of-range": {
    sentence: "A value in a file or message is out of range.",
    remedy: "The file was changed or damaged: ask for it again.",
  },
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

  // What a running node tells
  "node-restarts": {
    sentence: "A part of the node failed ({{reason}}); it begins again from what is on disk.",
    remedy: "Nothing is to be done. If it comes back, the host's log says more.",
  },
  "node-halted": {
    sentence: "The node has stopped ({{reason}}).",
    remedy: "The host's log says more; run montana check, then start the host again.",
    page: "Start Montana again. If it stays so, Settings, Diagnostics says more: please report it.",
  },
  "network-has-one-producer": {
    sentence:
      "The windows of this network are made by one node alone, which admits nobody; this node can only follow it.",
    remedy: "Nothing is to be done.",
  },
  "producer-takes-nothing": {
    sentence: "The producer of this network takes no operations or registrations of others.",
    remedy: "Nothing can be done about it from here: balances can be looked at, and nothing can be sent.",
  },
  "producer-header-refused": {
    sentence:
      "The producer's header of window {{window}} is not what this node computes ({{failure}}, first difference: {{field}}).",
    remedy:
      "The node stays where it is until the producer sends a right one. Run montana check; if that finds nothing, the producer runs other rules or has lost data.",
    page: "The node stays where it is until the producer sends a right one. If none comes, the producer runs other rules or has lost data.",
  },
  "store-catches-up": {
    sentence:
      "The store is an old copy: it stands before window {{height}}, and this node has signed for window {{reached}} already.",
    remedy: "Nothing is to be done: the node decides what is missing again, the same as before, and then goes on.",
  },
  "store-behind-signed-log": {
    sentence:
      "The store is an old copy: it stands before window {{height}}, this node has signed for window {{reached}} already, and nobody else holds the windows between.",
    remedy:
      "Put the newest copy of the folder store back. If there is none, those windows are lost: remove signed.log and signed.mark beside it to go on from this copy.",
  },
  "quiet-period": {
    sentence: "The node follows and signs nothing for now ({{reason|word}}): its key may be at work elsewhere.",
    remedy: "Wait about ten windows. Make sure that no other computer runs with this identity.",
  },
  "own-signature-elsewhere": {
    sentence:
      "This node's key signed something in window {{window}} that was not signed here: the node signs nothing more.",
    remedy: "Another computer runs with this identity. Stop one of them, then start this one again.",
  },
  "quiet-period-over": {
    sentence: "Nobody else signed with this node's key: the node takes part again.",
    remedy: "Nothing is to be done.",
  },
  "equivocation-seen": {
    sentence: "A node of the network signed two different things in one place.",
    remedy: "Nothing is to be done: both count as its fault.",
  },
  "certified-state-differs": {
    sentence: "A quorum decided window {{window}} with another state than this node computes: it signs nothing more.",
    remedy: "Run montana check and update the program; its state or its software is wrong.",
    page: "Update the program and start it again; its state or its software is wrong.",
  },
  "adopted-time-differs": {
    sentence: "A quorum has another TimeChain value for window {{window}} than this node: it signs nothing more.",
    remedy: "Memory or processor may have made a mistake: test the computer, then start the host again.",
  },
  "protocol-version-unsupported": {
    sentence: "Somebody in the network uses version {{version}} of the protocol, which this program does not know.",
    remedy: "Update the program.",
  },
  "two-certificates": {
    sentence: "Two different decisions of window {{window}} carry a quorum: the node signs nothing more.",
    remedy: "More than a third of the network signed twice. Wait for what its people agree on.",
  },
  "snapshot-taken": {
    sentence: "The network is far ahead (window {{tip}}, here {{window}}): the node takes a snapshot of its state.",
    remedy: "Nothing is to be done. Every part is checked; stopping the host loses nothing that came.",
  },
  "sync-peer-fault": {
    sentence: "Another node sent a wrong part of the snapshot, or none ({{fault}}).",
    remedy: "Nothing is to be done: the part comes from others.",
  },
  "snapshot-breaks-rules": {
    sentence: "The network's state after window {{window}} breaks the network's own rules ({{fault}}).",
    remedy: "Do not use this network: tell the people who run it.",
  },
  "history-verified": {
    sentence: "History verified: {{done}} of {{total}} windows.",
    remedy: "Nothing is to be done: the node takes part meanwhile.",
  },
  "history-verified-whole": {
    sentence: "The whole history before the snapshot is verified.",
    remedy: "Nothing is to be done.",
  },
  "timechain-history-wrong": {
    sentence: "The TimeChain of the history is wrong in window {{window}}: the snapshot came from a false chain.",
    remedy: "Stop the host, remove the folder store of this network and start with peers that you trust.",
  },
  "timechain-computed-wrong": {
    sentence: "The TimeChain since the last stop was computed wrong; the node begins again before that.",
    remedy: "Memory or processor made a mistake: test the computer.",
  },
  "timechain-value-wrong": {
    sentence: "The TimeChain value of window {{window}} that the network decided is wrong.",
    remedy: "Do not rely on this network's time; ask its people.",
  },
  "node-settings-damaged": {
    sentence: "The settings of the node cannot be read; the usual ones hold.",
    remedy: "Set them again with montana settings.",
    page: "Set them again under Settings, Node.",
  },
  "join-settings-damaged": {
    sentence: "The settings of the candidate chain cannot be read; the usual ones hold.",
    remedy: "Set them again with montana join.",
    page: "Set them again under Join.",
  },
  "join-outlook": {
    sentence: "To join, this computer must run {{hoursPerDay}} hours a day, {{coreHours}} hours of one core in all.",
    remedy: "Leave it running, and on mains.",
  },
  "computer-slept": {
    sentence: "The computer slept for {{seconds|duration}}.",
    remedy: "A candidate chain stands still in that time; montana join --keep-awake prevents it.",
    page: "A candidate chain stands still in that time; under Join the computer can be kept awake.",
  },
  "clock-set": {
    sentence: "The computer's clock was moved by {{seconds|duration}}.",
    remedy: "Nothing is to be done: windows are counted without it.",
  },
  "not-kept-awake": {
    sentence: "The computer cannot be kept awake: {{reason}}.",
    remedy: "Turn sleep off in the system's settings while the candidate chain runs.",
  },
  "awake-log-damaged": {
    sentence: "The record of the hours awake is damaged or cannot be written ({{detail}}); estimates begin anew.",
    remedy: "Check the disk if this happens again.",
  },
  "deadline-tight": {
    sentence: "The candidate chain has little time left: it is void after window {{window}}.",
    remedy: "Let it run at least {{hoursPerDay}} hours a day from now on.",
  },
  "deadline-at-risk": {
    sentence: "At this pace the candidate chain misses its deadline, window {{window}}.",
    remedy: "Let it run at least {{hoursPerDay}} hours a day from now on.",
  },
  "deadline-out-of-reach": {
    sentence: "Even without a break the candidate chain misses its deadline, window {{window}}.",
    remedy: "Give it more of the processor, or use a faster computer; otherwise it starts over after that window.",
  },
  "candidacy-recovered": {
    sentence: "The lifecycle file was lost; the candidate chain goes on with {{segments}} finished segments.",
    remedy: "Check the disk.",
  },
  "computed-wrong": {
    sentence: "The candidate chain since the last stop was computed wrong; it goes on from before that.",
    remedy: "Memory or processor made a mistake: test the computer.",
  },
  "progress-not-saved": {
    sentence: "Progress cannot be written ({{errno}}); the work goes on.",
    remedy: "Make room on the disk: a crash now would lose the work since the last save.",
  },
  "candidate-chain-failed": {
    sentence: "The candidate chain failed ({{detail}}); it is tried again.",
    remedy: "The host's log says more if this happens again.",
  },
  "candidate-chain-begun": {
    sentence: "The candidate chain began in window {{window}}; it takes {{windows}} segments.",
    remedy: "See how it goes on with montana status.",
    page: "Join shows how it goes on.",
  },
  "candidate-chain-restarted": {
    sentence: "A new candidate chain began in window {{window}}: {{cause|word}}.",
    remedy: "Let it run without long breaks; montana status says how long it may stand.",
    page: "Let it run without long breaks; Join says how long it may stand.",
  },
  "candidate-chain-taken-up": {
    sentence: "The candidate chain goes on with {{segments}} finished segments: {{cause|word}}.",
    remedy: "See how it goes on with montana status.",
    page: "Join shows how it goes on.",
  },
  "candidate-chain-extended": {
    sentence: "More candidates wait than before: the chain needs {{to}} instead of {{from}} segments.",
    remedy: "Let it run on.",
  },
  "candidate-chain-finished": {
    sentence: "The candidate chain is finished: {{segments}} segments.",
    remedy: "The node registers by itself as soon as the network takes it.",
  },
  "registration-published": {
    sentence: "The registration was published after window {{window}}.",
    remedy: "It is repeated in each window until the network has applied it.",
  },
  "registration-refused": {
    sentence: "The network refused the registration ({{failure|word}}).",
    remedy: "The node tries again by itself where that can help; montana status says how it stands.",
    page: "The node tries again by itself where that can help; Join says how it stands.",
  },
  "registration-hindered": {
    sentence: "The registration cannot be published now ({{failure|word}}).",
    remedy: "The node waits until it can.",
  },
  registered: {
    sentence: "The node is registered in window {{window}} and waits for its admission.",
    remedy: "Nothing is to be done; the processor is free again.",
  },
  admitted: {
    sentence:
      "The node was admitted in window {{window}}; the whole emission of it, {{bonus|amount}}, went to its account.",
    remedy: "Keep it running: presence is what it is paid for.",
  },
  "place-lost": {
    sentence: "The node has lost its place: {{cause|word}}.",
    remedy: "It begins again by itself.",
  },

  // The tunnel and its engine
  "port-forbidden": {
    sentence: "The system does not allow port {{port}}.",
    remedy: "Choose another port for the tunnel.",
  },
  "tun-permission": {
    sentence: "Whole-device mode needs administrator rights.",
    remedy: "Allow the helper when it asks, or use the proxy mode.",
  },
  "tun-busy": {
    sentence: "The tunnel interface is in use.",
    remedy: "Close the other program that has a tunnel, then connect again.",
  },
  "tun-driver-missing": {
    sentence: "The tunnel driver is missing.",
    remedy: "Install Montana again.",
  },
  "geo-files-missing": {
    sentence: "The tunnel engine asks for lists that this program never uses.",
    remedy: "Please report it with the diagnostics.",
  },
  "bad-public-key": {
    sentence: "This entry of the subscription is damaged: its public key.",
    remedy: "Refresh the subscription; if it stays so, tell who runs it.",
  },
  "bad-short-id": {
    sentence: "This entry of the subscription is damaged: its short id.",
    remedy: "Refresh the subscription; if it stays so, tell who runs it.",
  },
  "bad-uuid": {
    sentence: "This entry of the subscription is damaged: its account.",
    remedy: "Refresh the subscription; if it stays so, tell who runs it.",
  },
  "unsupported-flow": {
    sentence: "This entry of the subscription is damaged: its flow.",
    remedy: "Refresh the subscription; if it stays so, tell who runs it.",
  },
  "unsupported-fingerprint": {
    sentence: "This entry of the subscription is damaged: its fingerprint.",
    remedy: "Refresh the subscription; if it stays so, tell who runs it.",
  },
  "config-invalid": {
    sentence: "The tunnel engine refuses its configuration.",
    remedy: "Please report it with the diagnostics.",
  },
  "engine-crashed": {
    sentence: "The tunnel engine stopped unexpectedly.",
    remedy: "Connect again; if it stays so, report it with the diagnostics.",
  },
  "exit-rejected-key": {
    sentence: "The city changed its keys, this computer's clock is wrong, or somebody intercepts.",
    remedy: "Check the clock, then refresh the subscription.",
  },
  "exit-wrong-certificate": {
    sentence: "The city's address answers as another site: the entry is outdated or the connection is intercepted.",
    remedy: "Sign in to this network if it asks for that, then refresh the subscription.",
  },
  "exit-name-unresolved": {
    sentence: "The city's name cannot be resolved here.",
    remedy: "Check the connection to the internet, or choose another city.",
  },
  "exit-refused": {
    sentence: "The city is down.",
    remedy: "Choose another city, or the automatic choice (auto).",
  },
  "exit-timeout": {
    sentence: "The city does not answer: it is down, or filtered on this network.",
    remedy: "Choose another city, or the automatic choice (auto).",
  },
  "no-network": {
    sentence: "This computer is offline.",
    remedy: "Connect it to a network; the tunnel comes back by itself.",
  },
  "exit-decoy-unfit": {
    sentence: "The city is misconfigured.",
    remedy: "Choose another city, and tell who runs this one.",
  },
  "exit-closed": {
    sentence: "The city closes connections: its cover site is down, or a filter resets them.",
    remedy: "Choose another city, or the automatic choice (auto).",
  },
  "account-rejected": {
    sentence: "The city does not accept this subscription's account.",
    remedy: "Refresh the subscription; if it stays so, ask who gave it to you.",
  },
  "target-unreachable": {
    sentence: "The tunnel works, but the test site does not answer.",
    remedy: "Try again later, or set another test site.",
  },
  unknown: {
    sentence: "The tunnel does not get through, and the engine does not say why.",
    remedy: "Choose another city; if all fail, report it with the diagnostics.",
  },
  "engine-missing": {
    sentence: "The tunnel engine is missing on this computer.",
    remedy: "Install Montana again; in a checkout, run node build/scripts/xray.ts.",
  },
  "engine-not-ready": {
    sentence: "The tunnel engine runs but does not answer.",
    remedy: "Connect again; if it stays so, report it with the diagnostics.",
  },
  "engine-directory-unusable": {
    sentence: "The folder of the tunnel engine cannot be used ({{errno}}).",
    remedy: "Make room on the disk and see that the folder is yours alone.",
  },
  "engine-stopped": {
    sentence: "The tunnel engine was stopped meanwhile.",
    remedy: "Connect again.",
  },
  "exit-not-resolved": {
    sentence: "The address of {{host}} is not known.",
    remedy: "Check the connection to the internet, then connect again.",
  },
  "unknown-exit": {
    sentence: "The tunnel engine knows no exit {{code}}.",
    remedy: "Connect again; if it stays so, report it with the diagnostics.",
  },
  "bad-exit-code": {
    sentence: "The name {{code}} cannot be used for an exit.",
    remedy: "Please report it with the diagnostics.",
  },
  "bad-bypass-domain": {
    sentence: "{{domain}} is no rule for a domain.",
    remedy: "Write domain:, full:, keyword: or regexp: and what it stands for.",
  },
  "bad-bypass-cidr": {
    sentence: "{{cidr}} is no range of addresses.",
    remedy: "Write an address, or one with the length of its prefix, as 192.0.2.0/24.",
  },
  "bad-dns-server": {
    sentence: "{{server}} would be asked past the tunnel.",
    remedy: "Choose a resolver by its address or its https:// name.",
  },
  "bad-socket-path": {
    sentence: "The folder of the tunnel engine has a path that is too long or has a comma.",
    remedy: "Choose another data directory.",
  },
  "api-unreachable": {
    sentence: "The tunnel engine cannot be asked now.",
    remedy: "Try again in a moment.",
  },
  "api-refused": {
    sentence: "The tunnel engine refused a request (status {{status}}).",
    remedy: "Please report it with the diagnostics.",
  },
  "bad-api-response": {
    sentence: "The tunnel engine answered what nobody understands.",
    remedy: "Please report it with the diagnostics.",
  },
  "unknown-city": {
    sentence: "The network has no city {{city}}.",
    remedy: "Choose one of the list, or the automatic choice (auto).",
  },
  "city-without-vpn": {
    sentence: "{{city}} carries no traffic.",
    remedy: "Choose another city, or the automatic choice (auto).",
  },
  "no-entries": {
    sentence: "There is no entry for {{city}} to connect to.",
    remedy: "Import a link or a subscription, or refresh the one you have.",
  },
  "tunnel-cancelled": {
    sentence: "Connecting was cancelled.",
    remedy: "Connect again when you want to.",
  },
  "mode-unavailable": {
    sentence: "Mode {{mode}} cannot be used on this system; mode device is for Linux alone.",
    remedy: "Use the local proxy and enter its address in your programs.",
  },
  "exits-not-resolved": {
    sentence: "The address of no city could be looked up.",
    remedy: "Check the network connection, then connect again.",
  },
  "not-blocked": {
    sentence: "The kill switch holds nothing back now.",
    remedy: "Nothing is to be done.",
  },
  "helper-missing": {
    sentence: "Whole-device mode needs a helper with administrator rights, which is not installed.",
    remedy: "Install it once: montana vpn helper install.",
    page: "Install it once: the system asks for an administrator's password.",
  },
  "helper-not-built": {
    sentence: "This copy of Montana brings no helper for whole-device mode.",
    remedy: "Choose the local proxy, or take a copy that was made where Rust (cargo) is installed.",
  },
  "helper-not-running": {
    sentence: "The helper of whole-device mode does not run.",
    remedy: "Start it with: sudo systemctl restart montana-helper.",
  },
  "helper-not-allowed": {
    sentence: "The helper of whole-device mode serves another user of this computer.",
    remedy: "Install it again as the user who needs it: montana vpn helper install.",
    page: "Install it again: it will then serve you instead.",
  },
  "helper-busy": {
    sentence: "Another program of yours uses the helper of whole-device mode.",
    remedy: "Disconnect there first.",
  },
  "helper-outdated": {
    sentence: "The helper of whole-device mode is of another version than this program.",
    remedy: "Install it again: montana vpn helper install.",
    page: "Install it again: the system asks for an administrator's password.",
  },
  "helper-gone": {
    sentence: "The helper of whole-device mode ended or does not answer.",
    remedy: "Connect again; if it stays so: sudo systemctl restart montana-helper.",
  },
  "helper-needs-administrator": {
    sentence: "The helper must be installed by an administrator.",
    remedy: "Type this in a terminal: {{command}}.",
  },
  "helper-not-installed": {
    sentence: "The helper was not installed ({{status}}).",
    remedy: "Try again, and give the administrator's password when you are asked.",
  },
  "bad-request": {
    sentence: "The helper does not understand this program ({{reason}}).",
    remedy: "Install it again: montana vpn helper install.",
  },
  "not-allowed": {
    sentence: "The helper does not do this for this user.",
    remedy: "Install it again as the user who needs it: montana vpn helper install.",
  },
  "version-unsupported": {
    sentence: "The helper of whole-device mode is of another version than this program.",
    remedy: "Install it again: montana vpn helper install.",
  },
  "already-running": {
    sentence: "The helper runs a tunnel engine already (process {{pid}}).",
    remedy: "Disconnect, then connect again.",
  },
  "engine-not-started": {
    sentence: "The helper could not start the tunnel engine ({{reason}}).",
    remedy: "Install it again: montana vpn helper install.",
  },
  "firewall-missing": {
    sentence: "The kill switch needs nftables, which is not installed.",
    remedy: "Install the package nftables, or connect without the kill switch.",
  },
  "routes-taken": {
    sentence: "Another VPN uses the routes of this one ({{what}}).",
    remedy: "Disconnect the other VPN, then connect again.",
  },
  "routes-refused": {
    sentence: "The system refused to lead traffic into the tunnel ({{step}}).",
    remedy: "Connect again, or use another mode.",
  },
  "subscription-address-invalid": {
    sentence: "This is not the address of a subscription.",
    remedy: "Give an https address, or paste links that begin with vless://.",
  },
  "subscription-file-corrupt": {
    sentence: "The saved file {{path}} ({{kind}}) is damaged and was set aside.",
    remedy: "Import the link or the subscription again.",
  },
  "subscription-timeout": {
    sentence: "The subscription's server did not answer in time.",
    remedy: "The last good list stays in use; refresh it later.",
  },
  "subscription-unreachable": {
    sentence: "The subscription's server cannot be reached ({{errno}}).",
    remedy: "Check the connection; the last good list stays in use.",
  },
  "subscription-refused": {
    sentence: "The subscription's server answered with status {{status}}.",
    remedy: "Ask whoever gave you the subscription; the last good list stays in use.",
  },
  "subscription-redirected": {
    sentence: "The subscription's server sends on too often, or to an address that is not safe.",
    remedy: "Ask whoever gave you the subscription for its present address.",
  },
  "subscription-empty": {
    sentence: "There is no link in what the subscription's server sent.",
    remedy: "Sign in to this network if it asks for that, then refresh; the last good list stays in use.",
  },
  "subscription-not-text": {
    sentence: "The subscription's server sent something that is not a list of links.",
    remedy: "Check the address; the last good list stays in use.",
  },
  "subscription-too-large": {
    sentence: "The subscription is longer than {{limit}} bytes.",
    remedy: "Ask whoever gave it to you for a shorter one.",
  },
  "subscription-too-many-entries": {
    sentence: "The subscription has more than {{limit}} lines.",
    remedy: "Ask whoever gave it to you for a shorter one; the last good list stays in use.",
  },
  "import-unusable": {
    sentence: "There is neither a link nor a subscription in this.",
    remedy: "Paste a vless:// link, a montana:// link or the https address of a subscription.",
  },
  "deep-link-invalid": {
    sentence: "This montana:// link cannot be read.",
    remedy: "Ask whoever gave it to you for a new one.",
  },
  "too-many-subscriptions": {
    sentence: "There are {{limit}} subscriptions already.",
    remedy: "Remove one that you do not need.",
  },
  "too-many-links": {
    sentence: "There are {{limit}} single links already.",
    remedy: "Remove one that you do not need.",
  },
  "image-unknown": {
    sentence: "This picture is neither PNG nor JPEG.",
    remedy: "Save it as PNG and import it again.",
  },
  "image-too-large": {
    sentence: "This picture is too large.",
    remedy: "Cut out the QR code and import that.",
  },
  "qr-missing": {
    sentence: "No QR code can be found in this picture.",
    remedy: "Cut it out with a white border, or paste the text instead.",
  },
  "login-entry-unwritable": {
    sentence: "The entry that repairs the proxy settings after a crash cannot be written ({{errno}}).",
    remedy: "Check who owns your folder of autostart entries; the tunnel works without it.",
  },
  "proxy-held": {
    sentence: "Process {{pid}} of this program holds the proxy settings.",
    remedy: "Disconnect there first.",
  },
  "proxy-busy": {
    sentence: "Process {{pid}} is changing the proxy settings.",
    remedy: "Wait a moment and try again.",
  },
  "proxy-policy": {
    sentence: "The proxy settings of this computer are governed by a policy.",
    remedy: "Use the local proxy, or ask whoever governs this computer.",
  },
  "proxy-desktop-unknown": {
    sentence: "This desktop's proxy settings are not known to the program.",
    remedy: "Enter {{host}} port {{port}} as proxy in your programs yourself.",
  },
  "proxy-unreadable": {
    sentence: "The proxy settings cannot be read ({{command}} ended with {{status}}).",
    remedy: "Use the local proxy, and report it with the diagnostics.",
  },
  "proxy-unwritable": {
    sentence: "The proxy settings cannot be changed ({{command}} ended with {{status}}).",
    remedy: "Use the local proxy, and report it with the diagnostics.",
  },
  "proxy-not-applied": {
    sentence: "The proxy setting {{setting}} did not take effect.",
    remedy: "Nothing was changed. Use the local proxy.",
  },
  "proxy-not-restored": {
    sentence: "These proxy settings could not be given back: {{settings}}.",
    remedy: "Look at the proxy settings of your desktop and turn the proxy off there.",
  },
  "proxy-journal-corrupt": {
    sentence: "The record of your earlier proxy settings in {{path}} is damaged, so nothing was changed.",
    remedy: "Look at the proxy settings of your desktop, then have the record set aside: montana vpn repair --forget.",
    page: "Look at the proxy settings of your desktop, then have the record set aside under Settings, Checks and repair.",
  },
  "proxy-journal-unwritable": {
    sentence: "Your proxy settings cannot be written down ({{errno}}), so they were not changed.",
    remedy: "Free some space, or use the local proxy.",
  },
  "process-unidentified": {
    sentence: "The system does not say which processes run.",
    remedy: "The proxy settings were left alone. Use the local proxy.",
  },
  "command-missing": {
    sentence: "The program {{command}} is not installed.",
    remedy: "Install it, or use the local proxy.",
  },
  "command-timeout": {
    sentence: "The program {{command}} did not end in time.",
    remedy: "Try again, or use the local proxy.",
  },
  "host-not-started": {
    sentence: "The host could not be started in the background.",
    remedy: "Its log says why: {{log}}.",
  },
  "probe-url-missing": {
    sentence: "Nothing is known that could be asked through the tunnel to see whether it works.",
    remedy: "Name a site: montana vpn settings probe-url https://…, or choose a network whose file names one.",
    page: "Name a site under Settings, Tunnel, or choose a network whose file names one.",
  },
  "vpn-settings-corrupt": {
    sentence: "The tunnel's settings were damaged and are at their defaults; the file lies in {{path}}.",
    remedy: "Set them again: montana vpn settings.",
    page: "Set them again under Settings, Tunnel.",
  },
  "tunnel-not-connected": {
    sentence: "The tunnel is not connected.",
    remedy: "Connect first: montana vpn connect auto.",
    page: "Connect first.",
  },
  "subscription-unknown": {
    sentence: "There is no subscription {{id}}.",
    remedy: "See montana vpn subs for their names.",
    page: "Settings, Subscriptions shows those that there are.",
  },
  "key-unknown": {
    sentence: "No city has a changed key {{id}}.",
    remedy: "See montana vpn keys for those that there are.",
    page: "Settings, Subscriptions shows those that there are.",
  },
  "leaves-elsewhere": {
    sentence: "You chose {{chosen}}, and traffic leaves in {{city}}.",
    remedy: "The city of your choice did not answer. Insist on it with --strict, or choose another one.",
    page: "The city of your choice did not answer. Allow only this city, or choose another one.",
  },
  "kill-switch-left": {
    sentence: "The kill switch of a program that has ended still keeps everything from leaving.",
    remedy: "Connect again, or let it go: montana vpn disconnect.",
    page: "Connect again, or disconnect to let it go.",
  },
  "kill-switch-covers-proxy": {
    sentence: "The kill switch holds back programs that use the proxy, and no others.",
    remedy: "For all programs connect with --mode device.",
    page: "For all programs choose the whole device.",
  },
  "city-key-rotated": {
    sentence: "{{city}} has another key; the old one had worked until lately, so its operator probably changed it.",
    remedy: "It is not used until you accept it: montana vpn keys.",
    page: "It is not used until you accept it.",
  },
  "city-key-unexplained": {
    sentence: "{{city}} has another key, and nothing shows that it is its operator's.",
    remedy: "Ask the operator before you accept it: montana vpn keys.",
    page: "Ask the operator before you accept it.",
  },
  "covered-local": {
    sentence: "Covered are the programs that you set to use {{host}} port {{port}}, and no others.",
    remedy: "Set your programs to it, or connect with --mode proxy or device.",
    page: "Set your programs to it, or choose the system's proxy or the whole device.",
  },
  "covered-proxy": {
    sentence:
      "Covered are the programs that follow the system's proxy settings ({{host}} port {{port}}); games, calls and command-line tools often do not.",
    remedy: "For all programs connect with --mode device.",
    page: "For all programs choose the whole device.",
  },
  "covered-device": {
    sentence: "All programs of this computer are covered.",
    remedy: "Local addresses are reached directly.",
  },
  "leak-tunnel-answers": {
    sentence: "The site that is asked answers through the tunnel.",
    remedy: "Nothing is to be done.",
  },
  "leak-tunnel-silent": {
    sentence: "The site that is asked does not answer through the tunnel.",
    remedy: "Try another city.",
  },
  "leak-no-address-site": {
    sentence: "No site is set that tells its caller's address.",
    remedy: "Set one that you trust: montana vpn settings address-url https://….",
    page: "Set one that you trust under Settings, Tunnel.",
  },
  "leak-address-unknown": {
    sentence: "The site that tells addresses did not answer with one.",
    remedy: "Set another one: montana vpn settings address-url https://….",
    page: "Set another one under Settings, Tunnel.",
  },
  "leak-exit-unlisted": {
    sentence: "Traffic comes out at an address that no entry names, which is usual where an exit has several.",
    remedy: "Compare it with {{city}} on a site that shows places.",
  },
  "leak-exit-right": {
    sentence: "Traffic comes out in {{seen}}.",
    remedy: "Nothing is to be done.",
  },
  "leak-exit-other": {
    sentence: "Traffic comes out in {{seen}} instead of {{city}}.",
    remedy: "Connect again, or tell who runs the cities.",
  },
  "leak-address-hidden": {
    sentence: "Sites see another address than yours.",
    remedy: "Nothing is to be done.",
  },
  "leak-address-shown": {
    sentence: "Sites see your own address.",
    remedy: "Disconnect and report it with the diagnostics.",
  },
  "leak-resolvers-inside": {
    sentence: "Names are resolved through the tunnel.",
    remedy: "Nothing is to be done.",
  },
  "leak-resolvers-outside": {
    sentence: "Names are resolved outside the tunnel by {{count}} resolvers.",
    remedy: "Disconnect, and report it with the diagnostics.",
  },
  "leak-ipv6-inside": {
    sentence: "IPv6 goes through the tunnel.",
    remedy: "Nothing is to be done.",
  },
  "leak-ipv6-blocked": {
    sentence: "IPv6 goes nowhere.",
    remedy: "Nothing is to be done.",
  },
  "leak-ipv6-outside": {
    sentence: "IPv6 goes past the tunnel.",
    remedy: "Disconnect, and report it with the diagnostics.",
  },
  "leak-ways-unknown": {
    sentence: "The system does not say which way names and IPv6 take.",
    remedy: "Install the package iproute2, then test again.",
  },
  "image-damaged": {
    sentence: "This picture is damaged.",
    remedy: "Save it again, or paste the text instead.",
  },
  "too-long": {
    sentence: "The link is longer than a link can be.",
    remedy: "Ask whoever gave it to you for a new one.",
  },
  "not-vless": {
    sentence: "This is not a vless:// link.",
    remedy: "Paste a link that begins with vless://.",
  },
  "unexpected-path": {
    sentence: "The link has something behind its address that does not belong there.",
    remedy: "Ask whoever gave it to you for a new one.",
  },
  "missing-uuid": {
    sentence: "The link has no account.",
    remedy: "Ask whoever gave it to you for a new one.",
  },
  "missing-host": {
    sentence: "The link has no address.",
    remedy: "Ask whoever gave it to you for a new one.",
  },
  "bad-host": {
    sentence: "The link's address is none.",
    remedy: "Ask whoever gave it to you for a new one.",
  },
  "missing-port": {
    sentence: "The link has no port.",
    remedy: "Ask whoever gave it to you for a new one.",
  },
  "bad-port": {
    sentence: "The link's port is none.",
    remedy: "Ask whoever gave it to you for a new one.",
  },
  "bad-parameter": {
    sentence: "One of the link's parameters cannot be read.",
    remedy: "Copy the link again, whole.",
  },
  "duplicate-parameter": {
    sentence: "One of the link's parameters stands twice.",
    remedy: "Ask whoever gave it to you for a new one.",
  },
  "bad-percent-encoding": {
    sentence: "The link is badly escaped.",
    remedy: "Copy the link again, whole.",
  },
  "unsupported-encryption": {
    sentence: "The link asks for an encryption that this program does not have.",
    remedy: "Ask for a link of VLESS with Reality.",
  },
  "unsupported-security": {
    sentence: "The link does not use Reality.",
    remedy: "Ask for a link of VLESS with Reality.",
  },
  "unsupported-transport": {
    sentence: "The link uses another transport than TCP.",
    remedy: "Ask for a link of VLESS with Reality over TCP.",
  },
  "unsupported-header-type": {
    sentence: "The link disguises itself in a way that this program does not have.",
    remedy: "Ask for a link of VLESS with Reality over TCP.",
  },
  "missing-sni": {
    sentence: "The link does not name its cover site.",
    remedy: "Ask whoever gave it to you for a new one.",
  },
  "bad-sni": {
    sentence: "The link's cover site is none.",
    remedy: "Ask whoever gave it to you for a new one.",
  },
  "missing-public-key": {
    sentence: "The link has no key.",
    remedy: "Ask whoever gave it to you for a new one.",
  },
  "bad-spider-x": {
    sentence: "One of the link's parameters cannot be read: spx.",
    remedy: "Ask whoever gave it to you for a new one.",
  },
  "probe-url-local": {
    sentence: "The tunnel leaves this site to the local network, so it would say nothing about the tunnel.",
    remedy: "Name a site on the internet, or none.",
  },
  // The mesh: the operator's side
  "mesh-settings-invalid": {
    sentence: "The settings in {{file}} cannot be used: {{reason}} {{at}}.",
    remedy: "Correct that place; main/mesh/aggregator/README.md shows a file that works.",
  },
  "mesh-cities-invalid": {
    sentence: "The cities in {{file}} contradict themselves: {{reason}} at {{at}}.",
    remedy: "Correct that place and check again with montana mesh check. What was published stays until then.",
  },
  "local-part-failed": {
    sentence: "The part {{part}} of the practice network did not start ({{reason}}).",
    remedy: "See {{log}}, then run montana local start again.",
  },
  "local-part-silent": {
    sentence: "The part {{part}} of the practice network said nothing for {{seconds}} seconds.",
    remedy: "This computer may be too busy. See {{log}}, then run montana local start again.",
  },
  "local-too-slow": {
    sentence: "The practice network waited {{seconds}} seconds for {{what}}.",
    remedy: "This computer may be too busy. Run montana local start again: it goes on from here.",
  },
  "local-record-damaged": {
    sentence: "What is kept about the practice network cannot be read: {{file}}.",
    remedy: "End its processes with montana local stop, remove the folder local of the data directory and start anew.",
  },
  "local-not-running": {
    sentence: "No practice network runs here.",
    remedy: "Start it: montana local start.",
  },
  "local-city-unknown": {
    sentence: "The practice network has no city {{city}}.",
    remedy: "Choose one of these: {{known}}.",
  },
  "local-city-exists": {
    sentence: "The practice network has the city {{city}} already, or one of its code.",
    remedy: "Choose another city.",
  },
  "local-cities-max": {
    sentence: "The practice network has {{max}} cities, as many as it takes.",
    remedy: "Remove the folder local of the data directory to begin with three again.",
  },
  "local-no-node": {
    sentence: "{{city}} is a relay and has no node.",
    remedy: "Break its relay instead: montana local break CITY vpn.",
  },
  "local-chain-fixed": {
    sentence: "The practice network in {{directory}} has candidate chains of {{windows}} windows, for good.",
    remedy: "Start it without --candidate-windows, or stop it and remove that folder first.",
  },
  "local-busy": {
    sentence: "Another command is at work on the practice network in {{directory}}.",
    remedy: "Wait until it has ended.",
  },
  "mesh-running": {
    sentence: "Another run of the same kind works on {{directory}}.",
    remedy: "Wait for it, or stop the one that repeats.",
  },
  "mesh-state-damaged": {
    sentence: "{{file}} is not what the aggregator wrote.",
    remedy: "Check the disk. Move the file away to go on without it: the next run starts from what the nodes answer.",
  },
  "mesh-program-missing": {
    sentence: "{{program}} cannot be started: {{errno}}.",
    remedy: "Install OpenSSH's client programs.",
  },
  "mesh-program-failed": {
    sentence: "{{program}} failed: {{reason}}.",
    remedy: "Check the folder of the keys that the settings name.",
  },
  "mesh-key-exposed": {
    sentence: "Others on this machine may read the private key {{file}} (mode {{mode}}).",
    remedy: "Run chmod 600 on it; if somebody may have read it, make new keys and replace the lines on the nodes.",
  },
  "mesh-exit-unusable": {
    sentence: "The canonical exit {{node}} gave nothing that can be used: {{reason}}.",
    remedy: "The keys of before stay. Look at that node, or name another one as canonical_exit.",
  },
  "mesh-certificate-invalid": {
    sentence: "The certificate in {{file}} cannot be used: {{reason}}.",
    remedy: "Check that both files are PEM, belong together and may be read by this user.",
  },
  "mesh-tls-needed": {
    sentence: "Without a certificate nobody but this machine may be served, and {{address}} is open to others.",
    remedy: "Give --certificate and --key, or --acme NAME; or listen on 127.0.0.1 behind a reverse proxy.",
  },
  "mesh-listen-failed": {
    sentence: "The server cannot listen on {{address}}: {{errno}}.",
    remedy: "Choose another address or port, or stop what uses it.",
  },
  "mesh-acme-failed": {
    sentence: "No certificate could be got: {{reason}}.",
    remedy: "The name must lead to this machine, and port 80 must reach the address of --acme-listen.",
  },
  // The city that this machine runs
  "exit-absent": {
    sentence: "This machine runs no city.",
    remedy: "Make it one: montana exit init --city NAME --host ADDR --decoy NAME.",
  },
  "exit-exists": {
    sentence: "This machine is {{city}} already.",
    remedy:
      "Remove that city first, with montana exit remove; name, code, label, port and folder of a city do not change. A new port comes with montana exit rotate --port.",
  },
  "exit-record-damaged": {
    sentence: "The record of this machine's city cannot be read ({{file}}).",
    remedy:
      "Put back a copy of that file. Without one, move it away and set the city up anew: links that people hold then no longer work.",
  },
  "exit-removing": {
    sentence: "This machine's city is being removed.",
    remedy: "Look again with montana exit status; when it is gone, set up the next one.",
  },
  "exit-value-missing": {
    sentence: "{{what}} is missing.",
    remedy: "A new city needs --city, --host, and --decoy or --relay-of: see montana help exit.",
  },
  "exit-bad-value": {
    sentence: "{{what}} cannot be {{value}}.",
    remedy: "See montana help exit for what it takes.",
  },
  "exit-not-publishable": {
    sentence: "No list would take this city ({{reason}}).",
    remedy: "Give an address or name with --host that others reach from the Internet.",
  },
  "exit-relay-has-no-keys": {
    sentence: "A relay has no keys of its own.",
    remedy: "Rotate at the exit behind it, then give its new link with montana exit init --relay-of.",
  },
  "exit-needs-second-port": {
    sentence: "Port {{port}} has a key already, and a port holds one.",
    remedy: "Choose another port, or --cut-over, with which links of the old key end at once.",
  },
  "exit-too-many-accounts": {
    sentence: "{{max}} accounts are accepted already.",
    remedy: "Wait until old ones have had their time, or rotate with a shorter --overlap.",
  },
  "exit-volume-used-up": {
    sentence: "The volume of {{month}} is used up: the city is not published and takes no new connections.",
    remedy: "It comes back by itself next month (UTC), or now with a higher montana exit init --monthly-gb.",
  },
  "exit-full": {
    sentence: "{{max}} connections are open: new ones are refused.",
    remedy:
      "It takes new ones by itself when some have ended; the cap is changed with montana exit init --connections.",
  },
  "exit-connections-unknown": {
    sentence: "This system does not tell how many connections are open, so their cap is not in force.",
    remedy: "Use Linux for a city with such a cap.",
  },
  "exit-figures-lost": {
    sentence: "The count of this month's volume could not be read; it began anew.",
    remedy: "Compare with your host's own figures.",
  },
  "rate-not-privileged": {
    sentence: "The rate cap of {{device}} is not in force: this program may not shape traffic.",
    remedy: "Run the commands that montana exit status shows as an administrator, or give the service CAP_NET_ADMIN.",
  },
  "rate-foreign-shaper": {
    sentence: "Somebody else shapes {{device}} already ({{kind}}), so the rate cap is not in force.",
    remedy: "Add the city's port to those rules, or remove them.",
  },
  "rate-failed": {
    sentence: "The rate cap of {{device}} is not in force: {{reason}}.",
    remedy: "Check the interface's name and that tc (iproute2) is installed.",
  },
  "city-unknown": {
    sentence: "No city is called {{name}}.",
    remedy: "Check the spelling. Similar ones: {{near}}.",
  },
  "city-ambiguous": {
    sentence: "{{name}} could be {{choices}}.",
    remedy: "Say which with --country.",
  },
  "gazetteer-missing": {
    sentence: "The list of the world's cities cannot be read ({{file}}).",
    remedy: "It belongs to the program: install it again.",
  },
  "cities-list-invalid": {
    sentence: "The list of cities is wrong at {{at}}: {{reason}}.",
    remedy: "Correct it; nothing was written.",
  },
  "decoy-name-unresolved": {
    sentence: "{{name}} has no address here.",
    remedy: "Check the spelling, or choose another site.",
  },
  "decoy-unreachable": {
    sentence: "{{name}} does not answer as a secure site ({{reason}}).",
    remedy: "Try again later, or choose another site.",
  },
  "decoy-no-tls13": {
    sentence: "{{name}} does not speak TLS 1.3.",
    remedy: "Choose another site.",
  },
  "decoy-no-x25519": {
    sentence: "{{name}} does not take X25519 at once.",
    remedy: "Choose another site.",
  },
  "decoy-no-h2": {
    sentence: "{{name}} does not offer HTTP/2, so strangers would see an odd site.",
    remedy: "Choose another site.",
  },
  "decoy-certificate": {
    sentence: "The certificate of {{name}} is not valid ({{reason}}).",
    remedy: "Choose another site: whoever looks at yours sees this one's certificate.",
  },
  "decoy-key-type": {
    sentence: "The certificate of {{name}} has a key ({{type}}) that browsers do not take.",
    remedy: "Choose another site.",
  },
  "decoy-flight-too-large": {
    sentence: "{{name}} answers with {{bytes}} bytes; below {{max}} are carried.",
    remedy: "Choose a site with a shorter chain of certificates.",
  },
  "decoy-slow": {
    sentence: "{{name}} is {{ms}} ms away; every connection waits for that, and {{max}} ms is the most.",
    remedy: "Choose a site nearer to this machine.",
  },
  "decoy-redirects": {
    sentence: "{{name}} sends visitors to {{to}}.",
    remedy: "Choose that one, or another site.",
  },
  "decoy-failing": {
    sentence: "The site {{name}} failed its last check as decoy ({{reason}}).",
    remedy: "Wait for the next check, in ten minutes; nobody needs to do anything yet.",
  },
  "decoy-unfit": {
    sentence: "The site {{name}} is no decoy any more ({{reason}}).",
    remedy: "Choose another one: montana exit init --decoy NAME.",
  },
  "decoy-refused-name": {
    sentence: "{{name}} must not be borrowed: tunnels behind this name are looked for.",
    remedy: "Choose another site.",
  },
  "node-running": {
    sentence: "A node runs here on the network {{network}}.",
    remedy: "Stop it first, then start it on the other network.",
  },
  "node-choice-damaged": {
    sentence: "What was remembered about the node of this computer cannot be read.",
    remedy: "Choose the network and start the node again; its data and the identity are not touched.",
  },
  "preferences-damaged": {
    sentence: "What was remembered about language, colours and the like cannot be read.",
    remedy: "Choose again; the old file lies beside the new one and is not used.",
  },
  "network-young": {
    sentence:
      "{{network}} admits a newcomer in each window and pays it that window's emission; nobody can take coins back.",
    remedy: "Money and places in the queue are real here. There are no names, loans or contracts yet.",
  },
  "network-by-lot": {
    sentence:
      "{{network}} admits newcomers by lot every {{windows}} windows; the winner of each window gets its emission.",
    remedy: "Money is real here. There is no welcome bonus, and there are no names, loans or contracts yet.",
  },
  "network-one-producer": {
    sentence:
      "{{network}} is made by one producer, whom everybody else follows: it shows and sends money, and admits nobody.",
    remedy: "Watch it, receive and send. Joining as a node needs a network of the profile spec.",
  },
  "network-practice": {
    sentence:
      "{{network}} is a practice network on this computer: everything works as in a real one, and its coins are worth nothing.",
    remedy: "Try all you like; montana local stop ends it.",
    page: "Try all you like: nothing can be lost here.",
  },
  "network-alone": {
    sentence: "{{network}} is a network of this node alone: it is always in step, and its coins are worth nothing.",
    remedy: "Try receiving and sending here; to meet others choose another network.",
  },
} as const;
